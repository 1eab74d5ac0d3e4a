"""`/unlock [ENV]`."""

from __future__ import annotations

from bot.comments.confirmations import unlocked_comment
from bot.context import Answer, Bot, Request, Said
from bot.domain.commands import Command, CommandSpec, Parameter, ParameterKind
from bot.domain.lock_words import held_sentence, opener
from bot.domain.model import Permission, StateKey
from bot.domain.plan import Lock
from bot.domain.refusals import Reason, Refusal
from bot.ports import Reader
from bot.services.requesting import ACTIVE
from bot.services.tenancy import is_tenanted
from handlers import common

SPEC = CommandSpec(
    name="unlock",
    usage="/unlock [ENV]",
    summary="Give up the environments that this pull request holds, so that others can apply.",
    who="who took the lock, or an administrator",
    examples=("/unlock", "/unlock staging"),
    parameters=(Parameter(label="ENV", kind=ParameterKind.ENV, required=False, repeated=False),),
    accepts_terraform_arguments=False,
    needs=Permission.WRITE,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Release the locks; one whose stack has a change in work stays."""
    refused = await common.lacks_permission(SPEC, request, bot)
    if refused is None:
        refused = next((no for env in command.envs if (no := common.unknown_environment(env, request))), None)
    if refused is not None:
        return [refused]
    wish = request.wish
    admin = (await bot.access.permission(wish.repo, wish.actor)).allows(Permission.ADMIN)
    async with bot.records.write() as writer:
        locks = await writer.locks(repo=wish.repo.full_name, pull=wish.pull.number)
        wanted = [lock for lock in locks if not command.envs or lock.stack.env in command.envs]
        runs = await writer.runs(repo=wish.repo.full_name, pull=wish.pull.number, statuses=ACTIVE)
        busy = {run.stack.state_key for run in runs if run.kind != "plan"}
        if not wanted:
            return [_holds_nothing(command, await _foreign(command, request, writer), request)]
        problem = _problem(wanted, admin=admin, request=request, busy=busy)
        if problem is not None:
            return [problem]
        for lock in wanted:
            await writer.release_lock(lock.stack)
    for lock in wanted:
        await bot.tenancy.hand_on(lock.stack.state_key)
    labels = [lock.stack.label for lock in wanted]
    return [
        Said(
            kind="status", body=unlocked_comment(stacks=labels, by=wish.actor, reference=wish.correlation_id)
        )
    ]


async def _foreign(command: Command, request: Request, reader: Reader) -> list[Lock]:
    """Return who holds the stacks that are meant; a state may be shared with another repository."""
    wish = request.wish
    stacks = request.loaded.policy.stacks(wish.repo.full_name, pull=wish.pull.number)
    meant = [stack for stack in stacks if not command.envs or stack.env in command.envs]
    locks = [await reader.lock(stack) for stack in meant]
    return [lock for lock in locks if lock is not None]


def _holds_nothing(command: Command, held: list[Lock], request: Request) -> Refusal:
    repo = request.wish.repo.full_name
    what = " or ".join(command.envs) or "no environment"
    ours = f"This pull request does not hold {what}." if command.envs else f"This pull request holds {what}."
    if not held:
        rest = " Nobody else does either." if command.envs else " No other pull request does either."
        return Refusal(reason=Reason.NOT_FOUND, sentence=ours + rest, next_command="/status")
    return Refusal(
        reason=Reason.NOT_FOUND,
        sentence=" ".join([ours, *(held_sentence(lock, repo=repo) for lock in held)]),
        next_command=opener(held[0], repo=repo),
    )


def _problem(locks: list[Lock], *, admin: bool, request: Request, busy: set[StateKey]) -> Refusal | None:
    for lock in locks:
        if lock.stack.state_key in busy:
            return Refusal(
                reason=Reason.ALREADY_RUNNING,
                sentence=f"{lock.stack.label} is being changed; its lock stays until that has ended.",
                next_command="/status",
            )
        if is_tenanted(request.loaded.policy, lock.stack) and not (admin and request.line.split()[1:]):
            return Refusal(
                reason=Reason.ENVIRONMENT,
                sentence=(
                    f"{lock.stack.label} is given up by destroying it; only an administrator can leave it as it is,"
                    " by naming it."
                ),
                next_command=f"/destroy {lock.stack.env}",
            )
        if not admin and lock.holder.lower() != request.wish.actor.lower():
            return Refusal(
                reason=Reason.PERMISSION,
                sentence=f"{lock.stack.label} is held by {lock.holder}; only they or an administrator can unlock it.",
            )
    return None

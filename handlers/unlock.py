"""`/unlock [ENV [NOTE]]`."""

from __future__ import annotations

from collections.abc import Sequence

from bot.comments.confirmations import unlocked_comment
from bot.context import Answer, Bot, Request, Said
from bot.domain.commands import Command, CommandSpec, Parameter, ParameterKind
from bot.domain.lock_words import held_sentence, opener
from bot.domain.model import Permission, RunKind, Stack
from bot.domain.plan import Lock
from bot.domain.refusals import Reason, Refusal
from bot.ports import Reader
from bot.services.locking import give, given_by, hold
from bot.services.people import Standing
from bot.services.requesting import ACTIVE
from bot.services.tenancy import is_tenanted
from handlers import common

_CHANGING = tuple(kind for kind in RunKind if kind is not RunKind.PLAN)
"""Whose end a lock waits for; plans are left out of the question, since any number of them may be queued."""

SPEC = CommandSpec(
    name="unlock",
    usage="/unlock [ENV [NOTE]]",
    summary="Give up the environments that this pull request holds, so that others can apply.",
    who="who took the lock, an owner of the environment, or an administrator with a note",
    examples=("/unlock", "/unlock staging", "/unlock staging its author is on holiday"),
    parameters=(
        Parameter(label="ENV", kind=ParameterKind.ENV, required=False, repeated=False),
        Parameter(label="NOTE", kind=ParameterKind.TEXT, required=False, repeated=False),
    ),
    accepts_terraform_arguments=False,
    needs=Permission.WRITE,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Release the locks; one whose stack has a change in work stays."""
    refused = common.lacks_permission(SPEC, request)
    if refused is None:
        refused = next((no for env in command.envs if (no := common.unknown_environment(env, request))), None)
    if refused is not None:
        return [refused]
    wish = request.wish
    async with bot.records.read() as reader:
        locks = await reader.locks(repo=wish.repo.full_name, pull=wish.pull.number)
        # What this very command has unlocked already, before it was cut off and is carried out again.
        before = await given_by(reader, wish.repo.full_name, wish.pull.number, cause=wish.correlation_id)
        foreign = await _foreign(command, request, reader)
    wanted = [lock for lock in locks if not command.envs or lock.stack.env in command.envs]
    if not wanted:
        return await _hand_on(before, request, bot) if before else [_holds_nothing(command, foreign, request)]
    refused = await _may_not(wanted, command, request, bot)
    if refused is not None:
        return [refused]
    why = command.text or f"/unlock by {wish.actor}"
    async with bot.records.write() as writer:
        runs = await writer.runs(
            repo=wish.repo.full_name, pull=wish.pull.number, kinds=_CHANGING, statuses=ACTIVE
        )
        changing = {run.stack.state_key for run in runs}
        busy = [lock for lock in wanted if lock.stack.state_key in changing]
        if busy:
            return [_being_changed(busy[0])]
        await hold(writer, [lock.stack for lock in wanted])
        for lock in wanted:
            at = bot.clock.now()
            await give(writer, lock, by=wish.actor, why=why, at=at, cause=wish.correlation_id)
    return await _hand_on([lock.stack for lock in wanted], request, bot)


async def _hand_on(stacks: Sequence[Stack], request: Request, bot: Bot) -> list[Answer]:
    """Tell who waits, and who asked; it may be repeated after a crash."""
    wish = request.wish
    for stack in stacks:
        await bot.tenancy.hand_on(stack.state_key)
        await bot.waiting.freed(stack)
    labels = [stack.label for stack in stacks]
    body = unlocked_comment(stacks=labels, by=wish.actor, reference=wish.correlation_id)
    return [Said(kind="status", body=body)]


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


def _being_changed(lock: Lock) -> Refusal:
    return Refusal(
        reason=Reason.ALREADY_RUNNING,
        sentence=f"{lock.stack.label} is being changed; its lock stays until that has ended.",
        next_command="/status",
    )


def _left_by_destroying(lock: Lock) -> Refusal:
    return Refusal(
        reason=Reason.ENVIRONMENT,
        sentence=(
            f"{lock.stack.label} is given up by destroying it; only an administrator can leave it as it is,"
            " by naming it."
        ),
        next_command=f"/destroy {lock.stack.env}",
    )


async def _may_not(locks: list[Lock], command: Command, request: Request, bot: Bot) -> Refusal | None:
    """Return a refusal unless the actor took the locks, owns their stacks, or is an administrator who says why."""
    wish = request.wish
    others = [lock for lock in locks if lock.holder.lower() != wish.actor.lower()]
    tenanted = next((lock for lock in locks if is_tenanted(request.loaded.policy, lock.stack)), None)
    if not others and tenanted is None:
        return None
    stacks = tuple(lock.stack for lock in others)
    standing = await bot.people.standing(wish.repo, request.loaded, stacks, wish.actor)
    if tenanted is not None and not (Standing.ADMIN in standing and command.envs):
        return _left_by_destroying(tenanted)
    if not others or Standing.OWNER in standing:
        return None
    return _taken_by_another(others[0], command, is_admin=Standing.ADMIN in standing)


def _taken_by_another(lock: Lock, command: Command, *, is_admin: bool) -> Refusal | None:
    if not is_admin:
        return Refusal(
            reason=Reason.PERMISSION,
            sentence=(
                f"{lock.stack.label} is held by {lock.holder}; only they, an owner of the environment or an"
                " administrator can unlock it."
            ),
        )
    if command.text:
        return None
    return Refusal(
        reason=Reason.USAGE,
        sentence=f"{lock.stack.label} is held by {lock.holder}. To take it from them, say why.",
        next_command=f"/unlock {lock.stack.env} REASON",
    )

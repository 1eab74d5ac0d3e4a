"""`/unlock [ENV [NOTE]]`."""

from __future__ import annotations

from collections.abc import Sequence

from bot.comments.answers.confirmations import unlocked_comment
from bot.context import Answer, Bot, Reply, Request
from bot.domain.commands.parser import Command, CommandSpec, Parameter, ParameterKind, StackChoice
from bot.domain.core.model import Permission, Stack
from bot.domain.core.refusals import Reason, Refusal
from bot.domain.core.run_kinds import BLOCKING_UNLOCK
from bot.domain.core.run_lifecycle import ACTIVE
from bot.domain.gates.lock_sentences import how_to_unlock, locked_sentence
from bot.domain.plans.plan import Lock
from bot.ports import Reader
from bot.services.access.capacities import Standing
from bot.services.environments.leases import is_tenanted
from bot.services.stacks.locking import lock_rows, release, released_by

SPEC = CommandSpec(
    name="unlock",
    usage="/unlock [ENV [NOTE]]",
    summary="Release the locks of this pull request, so that others can apply.",
    who="the person who took the lock, an owner of the environment, or an administrator with a note",
    examples=("/unlock", "/unlock staging", "/unlock staging its author is on holiday"),
    parameters=(
        Parameter(kind=ParameterKind.ENV, required=False),
        Parameter(label="NOTE", kind=ParameterKind.TEXT, required=False),
    ),
    permission=Permission.WRITE,
    stacks=StackChoice.ENVIRONMENTS,
    runs_pull_code=False,
    touches_state=False,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Release the locks, except of stacks that are being changed."""
    trigger = request.trigger
    async with bot.records.read() as reader:
        locks = await reader.locks(repo=trigger.repo.full_name, pull=trigger.pull.number)
        # What this command unlocked before a crash.
        before = await released_by(
            reader, trigger.repo.full_name, trigger.pull.number, cause=trigger.correlation_id
        )
        foreign = await _foreign(request, reader)
    wanted = [lock for lock in locks if not command.envs or lock.stack.env in command.envs]
    if not wanted:
        return (
            await _start_waiting(before, request, bot)
            if before
            else [_nothing_locked(command, foreign, request)]
        )
    refused = await _may_not(wanted, command, request, bot)
    if refused is not None:
        return [refused]
    # The reason goes into the record of the lock.
    why = command.text or f"/unlock by {trigger.actor}"
    async with bot.records.write() as writer:
        # Plans are left out of the question: any number of them may be queued.
        runs = await writer.runs(
            repo=trigger.repo.full_name, pull=trigger.pull.number, kinds=BLOCKING_UNLOCK, statuses=ACTIVE
        )
        changing = {run.stack.state_key for run in runs}
        busy = [lock for lock in wanted if lock.stack.state_key in changing]
        if busy:
            return [_being_changed(busy[0])]
        await lock_rows(writer, [lock.stack for lock in wanted])
        for lock in wanted:
            at = bot.clock.now()
            await release(writer, lock, by=trigger.actor, why=why, at=at, cause=trigger.correlation_id)
    return await _start_waiting([lock.stack for lock in wanted], request, bot)


async def _start_waiting(stacks: Sequence[Stack], request: Request, bot: Bot) -> list[Answer]:
    """Start who waits for the stacks, and confirm; may be repeated after a crash."""
    trigger = request.trigger
    for stack in stacks:
        await bot.leases.start_next_in_queue(stack.state_key)
        await bot.waiting.freed(stack)
    labels = [stack.label for stack in stacks]
    body = unlocked_comment(stacks=labels, by=trigger.actor, reference=trigger.correlation_id)
    return [Reply(body=body)]


async def _foreign(request: Request, reader: Reader) -> list[Lock]:
    """Return the locks of the meant stacks, whichever pull request or repository has them."""
    locks = [await reader.lock(stack) for stack in request.stacks]
    return [lock for lock in locks if lock is not None]


def _nothing_locked(command: Command, locks: list[Lock], request: Request) -> Refusal:
    repo = request.trigger.repo.full_name
    what = " or ".join(command.envs) or "no environment"
    ours = (
        f"This pull request has not locked {what}."
        if command.envs
        else f"This pull request has locked {what}."
    )
    if not locks:
        rest = " No other pull request does either."
        return Refusal(reason=Reason.NOT_FOUND, sentence=ours + rest, next_command="/status")
    return Refusal(
        reason=Reason.NOT_FOUND,
        sentence=" ".join([ours, *(locked_sentence(lock, repo=repo) for lock in locks)]),
        next_command=how_to_unlock(locks[0], repo=repo),
    )


def _being_changed(lock: Lock) -> Refusal:
    return Refusal(
        reason=Reason.ALREADY_RUNNING,
        sentence=f"A run of {lock.stack.label} has not ended yet; it stays locked until then.",
        next_command="/status",
    )


def _left_by_destroying(lock: Lock) -> Refusal:
    return Refusal(
        reason=Reason.ENVIRONMENT,
        sentence=(
            f"{lock.stack.label} is released by destroying it; only an administrator can leave it as it is,"
            " by naming it."
        ),
        next_command=f"/destroy {lock.stack.env}",
    )


async def _may_not(locks: list[Lock], command: Command, request: Request, bot: Bot) -> Refusal | None:
    """Return a refusal unless the actor may unlock all of them."""
    trigger = request.trigger
    others = [lock for lock in locks if not lock.holder.is_certainly(trigger.actor)]
    tenanted = next((lock for lock in locks if is_tenanted(request.loaded.policy, lock.stack)), None)
    if not others and tenanted is None:
        return None
    stacks = tuple(lock.stack for lock in others)
    standing = await bot.people.standing(trigger.repo, request.loaded, stacks, trigger.actor)
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
                f"{lock.stack.label} is locked by {lock.holder}; only they, an owner of the environment or an"
                " administrator can unlock it."
            ),
        )
    if command.text:
        return None
    return Refusal(
        reason=Reason.USAGE,
        sentence=f"{lock.stack.label} is locked by {lock.holder}. To unlock it, give a reason.",
        next_command=f"/unlock {lock.stack.env} REASON",
    )

"""Lock and release stacks, and record who did so, when and why."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from bot.domain.core.accounts import Account
from bot.domain.core.model import Stack
from bot.domain.environments.waits import LockAct, LockEvent
from bot.domain.plans.plan import Lock
from bot.ports import Writer
from bot.ports.records.coordination import CoordinationReader

_MOST = 10_000
"""Maximum number of events of a pull request that are read."""


async def lock_rows(writer: Writer, stacks: Collection[Stack]) -> None:
    """Lock the rows of these stacks until the transaction ends, always in the same order.

    This avoids deadlocks: a transaction that needs several locks calls it once, before it changes anything.
    """
    for stack in sorted(stacks, key=lambda stack: stack.state_key):
        await writer.lock(stack)


async def take(writer: Writer, lock: Lock, *, cause: str) -> Lock:
    """Take the lock if it is free; returns the lock that is now in force, ours or another's."""
    before = await writer.lock(lock.stack)
    now = await writer.take_lock(lock)
    if before is None:
        await writer.add_lock_event(
            LockEvent(
                stack=lock.stack,
                pull=lock.pull,
                act=LockAct.LOCKED,
                actor=lock.holder,
                why=lock.reason,
                at=lock.since,
                cause=cause,
            )
        )
    return now


async def release(writer: Writer, lock: Lock, *, by: Account, why: str, at: datetime, cause: str) -> None:
    """Release the stack, unless another pull request has locked it since `lock` was read."""
    now = await writer.lock(lock.stack)
    if now is None or (now.stack.repo, now.pull) != (lock.stack.repo, lock.pull):
        return
    await writer.release_lock(lock.stack)
    await writer.add_lock_event(
        LockEvent(
            stack=lock.stack, pull=lock.pull, act=LockAct.UNLOCKED, actor=by, why=why, at=at, cause=cause
        )
    )


async def released_by(reader: CoordinationReader, repo: str, pull: int, *, cause: str) -> tuple[Stack, ...]:
    """Return a pull request's stacks that were released for this delivery, oldest first."""
    events = await reader.lock_events(repo=repo, pull=pull, limit=_MOST)
    released = [event for event in events if event.act is LockAct.UNLOCKED and event.cause == cause]
    return tuple(event.stack for event in reversed(released))

"""Taking and giving the lock of a stack, always with a row that says who, when and why."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from bot.domain.model import Login, Stack
from bot.domain.plan import Lock
from bot.domain.waiting import LockAct, LockEvent
from bot.ports import Reader, Writer

_MOST = 10_000
"""Events of a pull request, each of whose stacks somebody may wait for."""


async def hold(writer: Writer, stacks: Collection[Stack]) -> None:
    """Let nobody else act on who holds any of these until the transaction is over.

    Whoever needs several asks for them here, before it changes anything: all in the same order, no two of them can
    wait for one another.
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


async def give(writer: Writer, lock: Lock, *, by: Login, why: str, at: datetime, cause: str) -> None:
    """Free the stack, unless another pull request has taken it since `lock` was read."""
    now = await writer.lock(lock.stack)
    if now is None or (now.stack.repo, now.pull) != (lock.stack.repo, lock.pull):
        return
    await writer.release_lock(lock.stack)
    await writer.add_lock_event(
        LockEvent(
            stack=lock.stack, pull=lock.pull, act=LockAct.UNLOCKED, actor=by, why=why, at=at, cause=cause
        )
    )


async def given_by(reader: Reader, repo: str, pull: int, *, cause: str) -> tuple[Stack, ...]:
    """Return the stacks that a pull request has given up because of this very delivery, the first one first."""
    events = await reader.lock_events(repo=repo, pull=pull, limit=_MOST)
    given = [event for event in events if event.act is LockAct.UNLOCKED and event.cause == cause]
    return tuple(event.stack for event in reversed(given))

"""Invalidate plans after a change of their state, and queue their pull requests."""

from __future__ import annotations

from datetime import datetime

from bot.domain.core.model import PlanId, Stack
from bot.domain.environments.waits import Wait, WaitReason
from bot.ports.records.coordination import CoordinationWriter


async def void_plans(
    writer: CoordinationWriter,
    stack: Stack,
    *,
    why: str,
    now: datetime,
    but: PlanId | None = None,
    by_pull: int | None,
) -> None:
    """Mark the open plans of a state as stale; their pull requests wait for new ones.

    The pull request `by_pull`, which changed the state, does not wait.
    """
    for other in await writer.outdate([stack], pulls=None, why=why, but=but):
        await writer.mark_unshown(other.stack.repo, other.pull, other.plan, now)
        if (other.stack.repo, other.pull) != (stack.repo, by_pull):
            await writer.add_wait(
                Wait(stack=other.stack, pull=other.pull, reason=WaitReason.STALE, since=now)
            )

"""Plans that a change of their state has made void, and who is told and planned again."""

from __future__ import annotations

from datetime import datetime

from bot.domain.model import PlanId, Stack
from bot.domain.waiting import Wait, WaitReason
from bot.ports import Writer


async def void_plans(
    writer: Writer, stack: Stack, *, why: str, now: datetime, but: PlanId | None = None, by_pull: int | None
) -> None:
    """Mark the open plans of a state stale; their pull requests wait for new ones.

    That of `by_pull` does not, which has changed the state itself.
    """
    for other in await writer.outdate([stack], pulls=None, why=why, but=but):
        await writer.mark_unshown(other.stack.repo, other.pull, other.plan, now)
        if (other.stack.repo, other.pull) != (stack.repo, by_pull):
            await writer.add_wait(
                Wait(stack=other.stack, pull=other.pull, reason=WaitReason.STALE, since=now)
            )

"""Which plans reviewers saw before a merge, and which losses these plans showed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from bot.domain.core.model import PlanLane
from bot.domain.plans.plan import Action, PlanRecord

LOSSES: Final = (Action.DESTROY, Action.REPLACE, Action.FORGET)
"""Actions that remove something that exists."""


def seen_before(plans: Sequence[PlanRecord], merged_at: datetime | None) -> tuple[PlanRecord, ...]:
    """Return a pull request's plans without code plans that were posted after the merge.

    A plan whose comment was never posted, or was posted after the merge, was reviewed by nobody. Plans of
    reverts and state operations are kept in either case.
    """
    return tuple(plan for plan in plans if plan.lane is not PlanLane.CODE or _was_seen(plan, merged_at))


def unseen_losses(plan: PlanRecord, seen: Iterable[PlanRecord]) -> tuple[str, ...]:
    """Return the addresses that a plan removes and that no reviewed plan showed as removed."""
    shown = {(row.action, row.address) for other in seen for row in other.summary.resources}
    return tuple(
        dict.fromkeys(
            row.address
            for row in plan.summary.resources
            if row.action in LOSSES and (row.action, row.address) not in shown
        )
    )


def _was_seen(plan: PlanRecord, merged_at: datetime | None) -> bool:
    # Both times are GitHub's, in whole seconds: in the same one, a comment may have been read by a program.
    return plan.posted_at is not None and (merged_at is None or plan.posted_at <= merged_at)

"""Which plans people had before them when they merged, and what of another plan these have shown. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from bot.domain.model import PlanLane
from bot.domain.plan import Action, PlanRecord

LOSSES: Final = (Action.DESTROY, Action.REPLACE, Action.FORGET)
"""What takes something away that is there."""


def seen_before(plans: Sequence[PlanRecord], merged_at: datetime | None) -> tuple[PlanRecord, ...]:
    """Return the plans of a pull request without those of its code that nobody can have read before it was merged.

    A plan whose comment could not be written, or was written after the merge, has shown nothing to anybody. Who had
    the way back planned has not asked for the way forward, whether that plan was read or not.
    """
    return tuple(plan for plan in plans if plan.lane is not PlanLane.CODE or _was_seen(plan, merged_at))


def unseen_losses(plan: PlanRecord, seen: Iterable[PlanRecord]) -> tuple[str, ...]:
    """Return the addresses that a plan destroys, replaces or lets go of and that none of the others showed so."""
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

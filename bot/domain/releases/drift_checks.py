"""Results of drift checks, as stored in the detail of their runs.

Drift counts as explained to a person who applies a plan made after it was first seen: the comment of such a
plan lists it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain.core.model import Run, StateIdentity
from bot.domain.plans.plan import Action, PlanRecord, ResourceChange
from bot.domain.releases.release import is_partial

MOST_KEPT = 500
"""Number of resources of one check that are stored by name; their count is always stored."""
_MOST_DIFFS = 50
_LONGEST_DIFF = 4000
"""Number of characters stored of one resource's diff; the run's log has all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifted:
    """A resource that was changed outside Terraform."""

    address: str
    action: Action
    """CHANGE, or DESTROY if it no longer exists."""
    diff: str
    """Terraform's rendering, masked and shortened; empty if it is not stored."""
    since: datetime
    """When this very change was first found, in consecutive checks up to now."""


def as_detail(
    rows: Sequence[ResourceChange], *, before: Run | None, state: StateIdentity, now: datetime
) -> dict[str, Any]:
    """Return the detail of a drift run.

    `rows` must contain no secrets. `before` is the stack's previous check.
    """
    known = {} if before is None else {row.address: row for row in drifted(before)}
    found = [
        Drifted(
            address=row.address,
            action=Action.DESTROY if row.action is Action.DESTROY else Action.CHANGE,
            diff=row.diff[:_LONGEST_DIFF] if place < _MOST_DIFFS else "",
            since=now,
        )
        for place, row in enumerate(rows[:MOST_KEPT])
    ]
    return {
        "drift": [_as_item(row, known.get(row.address)) for row in found],
        "drifted": len(rows),
        "serial": state.serial,
    }


def drifted(run: Run) -> tuple[Drifted, ...]:
    """Return the drift that a check found; empty if there was none or the check failed."""
    return tuple(
        Drifted(
            address=item["address"],
            action=Action(item["action"]),
            diff=item["diff"],
            since=datetime.fromisoformat(item["since"]),
        )
        for item in run.detail.get("drift") or ()
    )


def how_many(run: Run) -> int:
    """Return how many resources a check found, including those whose names are not stored."""
    return int(run.detail.get("drifted") or 0)


def unexplained(check: Run | None, plan: PlanRecord) -> tuple[str, ...]:
    """Return the addresses that the last successful check found and this plan does not show.

    A plan made after a change was first seen shows it; a targeted plan explains nothing.
    """
    if check is None:
        return ()
    partial = is_partial(plan.arguments)
    return tuple(row.address for row in drifted(check) if partial or plan.created_at < row.since)


def drift_line(found: int, gone: int) -> str:
    """Return how many resources were changed or deleted outside Terraform, as text."""
    if not found:
        return "Nothing was changed outside Terraform."
    noun = "1 resource was" if found == 1 else f"{found} resources were"
    return f"{noun} changed outside Terraform{f', {gone} of them deleted' if gone else ''}."


def _as_item(row: Drifted, known: Drifted | None) -> Mapping[str, str]:
    same = known is not None and (known.action, known.diff) == (row.action, row.diff)
    since = known.since if known is not None and same else row.since
    return {
        "address": row.address,
        "action": str(row.action),
        "diff": row.diff,
        "since": since.isoformat(),
    }

"""What checks for changes from outside have found: kept in the detail of their runs.

A change is explained to whoever applies a plan that was made after it was first seen: such a plan's comment lists it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain.model import Run, StateIdentity
from bot.domain.plan import Action, PlanRecord, ResourceChange
from bot.domain.release import is_partial

MOST_KEPT = 500
"""Resources of one check that are kept by name; how many there are is always kept."""
_MOST_DIFFS = 50
_LONGEST_DIFF = 4000
"""Characters kept of one resource's diff; the run's log has the whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifted:
    """A resource that was changed outside Terraform."""

    address: str
    action: Action
    """CHANGE, or DESTROY where it is gone."""
    diff: str
    """Terraform's rendering, masked and cut; empty where it is not kept."""
    since: datetime
    """When the first check of an unbroken row of them found this very change."""


def as_detail(
    rows: Sequence[ResourceChange], *, before: Run | None, state: StateIdentity, now: datetime
) -> dict[str, Any]:
    """Return the detail of a drift run; `rows` hold no secret. `before` is the stack's last check."""
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
    """Return what a check found; nothing where it found nothing, or has not ended well."""
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
    """Return how many resources a check found, those included whose names are not kept."""
    return int(run.detail.get("drifted") or 0)


def unexplained(check: Run | None, plan: PlanRecord) -> tuple[str, ...]:
    """Return the addresses that the newest successful check found and that this plan's comment does not show.

    A plan made since a change was first seen shows it; one that leaves something out explains nothing.
    """
    if check is None:
        return ()
    partial = is_partial(plan.arguments)
    return tuple(row.address for row in drifted(check) if partial or plan.created_at < row.since)


def drift_line(found: int, gone: int) -> str:
    """Return in words how many resources were changed outside Terraform, and how many of them are gone."""
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

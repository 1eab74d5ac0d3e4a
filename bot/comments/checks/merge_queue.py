"""The check runs of the merge queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.comments.checks.checks import CheckText, Conclusion
from bot.comments.markdown.escape import code, text
from bot.domain.core.model import PlanId, Stack

_MOST = 100
UNREADABLE: Final = CheckText(
    conclusion=Conclusion.FAILURE,
    title="The group could not be read",
    summary="The policy on the default branch is not valid, or the group's commits do not merge.\n",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """A required stack that the merge group touches."""

    stack: Stack
    is_there: bool
    """Whether its newest release is in place and equals what the group would merge."""
    release: PlanId | None


def queue_plan_check(rows: Sequence[QueueRow] | None) -> CheckText:
    """Return the check of plans: each pull request was planned before it was queued."""
    if rows is None:
        return UNREADABLE
    return CheckText(
        conclusion=Conclusion.SUCCESS,
        title="Planned on the pull requests",
        summary="Each pull request of the group was planned alone; what is merged is planned again after the merge.\n",
    )


def queue_apply_check(rows: Sequence[QueueRow] | None) -> CheckText:
    """Return the check of applies: green if every required stack has what the group would merge."""
    if rows is None:
        return UNREADABLE
    missing = [row for row in rows if not row.is_there]
    lines = [
        f"- {text(row.stack.label, limit=100)}: "
        + ("in place" if row.is_there else "not what the group would merge")
        + (f" (newest release {code(row.release)})" if row.release else "")
        for row in rows[:_MOST]
    ]
    if missing:
        return CheckText(
            conclusion=Conclusion.FAILURE,
            title=f"{len(missing)} of {len(rows)} required stacks do not have this change",
            summary="\n".join(
                [*lines, "", "Apply it on the pull request, on the newest base, and queue it again.", ""]
            ),
        )
    return CheckText(
        conclusion=Conclusion.SUCCESS,
        title="Every required stack has this change" if rows else "No required stack is touched",
        summary="\n".join([*lines, ""]),
    )

"""Notes of `/status` below its table: incomplete changes, and freezes of a stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.comments.markdown.escape import code, prose, text
from bot.comments.markdown.words import age
from bot.comments.runs.apply import what_changed
from bot.comments.runs.report import string
from bot.domain.core.model import PlanId, Run, RunKind, RunStatus, Stack
from bot.domain.gates.freezes import Hold

_ENDS = {
    RunStatus.FAILED: "failed",
    RunStatus.INTERRUPTED: "was interrupted",
    RunStatus.CANCELED: "was canceled",
    RunStatus.TIMED_OUT: "took too long and was stopped",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StackNote:
    """A stack with an incomplete change or a freeze."""

    stack: Stack
    unfinished: Run | None
    """The last change that failed, if no later run has shown that it was completed."""
    revert_to: PlanId | None
    """The release that this change was to go back to."""
    holds: Sequence[Hold]


def notes_part(notes: Sequence[StackNote], now: datetime) -> str:
    """Return the notes; empty if there are none."""
    lines = [line for note in notes for line in _lines(note, now)]
    return "\n".join(lines) + "\n\n" if lines else ""


def _lines(note: StackNote, now: datetime) -> list[str]:
    name = text(note.stack.label, limit=100)
    begun = [] if note.unfinished is None else [f"- ⚠️ **{name}**: {_unfinished(note.unfinished, note, now)}"]
    held = [
        f"- ✋ **{name}** is on hold: {prose(hold.reason, limit=300)} (by {code(hold.by, limit=60)},"
        f" {age(hold.since, now)}). To lift it: {code(hold.command_to_lift, limit=100)}."
        for hold in note.holds
    ]
    return [*begun, *held]


def _unfinished(run: Run, note: StackNote, now: datetime) -> str:
    what = (
        f"the {run.kind}" if run.kind is not RunKind.REVERT else f"the revert to {code(note.revert_to or '')}"
    )
    said = f"{what} (run {code(run.id)}, by {code(run.actor, limit=60)}, {age(run.finished_at or now, now)})"
    return f"{said} {_ENDS.get(run.status, run.status)}. {_left(run)} A new plan shows what is left of it."


def _left(run: Run) -> str:
    match string(run.detail, "state"):
        case "locked":
            return "**The state is still locked**, and what was changed is unknown."
        case "unknown":
            return "**Whether the state was changed is unknown.**"
        case _:
            return what_changed(run.detail)

"""Formats of numbers, times and names in comments."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.comments.markdown.escape import code, fence, one_line, prose
from bot.domain.core.model import PlanLane, Sha, Stack
from bot.domain.plans.plan import Action, Counts, PlanRecord

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
MOST_STEPS = 6
_COMMAND = re.compile(r"/[a-z]+(?: [^\s,#`]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A possible next step of the reader."""

    sentence: str
    """Its purpose, without a full stop: "To apply exactly this plan"; a whole sentence without a command."""
    command: str | None = None
    """The exact comment to write."""


def steps(items: Iterable[Step]) -> str:
    """Return the "Next" list, empty without steps."""
    lines = []
    for step in [*items][:MOST_STEPS]:
        end = "" if step.sentence.endswith(".") else "."
        say = f", comment {code(step.command, limit=150)}." if step.command else end
        lines.append(f"- {prose(step.sentence, limit=200)}{say}\n")
    return "**Next**\n" + "".join(lines) if lines else ""


def step_blocks(items: Iterable[Step]) -> str:
    """Return the next steps with each command in a fenced block; empty without steps."""
    # GitHub gives a block a button that copies it, and a comment that is only the command is run.
    said = []
    for step in [*items][:MOST_STEPS]:
        sentence = prose(step.sentence.rstrip("."), limit=300)
        shown = one_line(step.command, 200) if step.command else ""
        said.append(f"{sentence}, comment:\n\n{fence(shown)}\n" if shown else f"{sentence}.\n\n")
    return "**Next**\n\n" + "".join(said).rstrip("\n") + "\n" if said else ""


def is_command(value: str) -> bool:
    """Whether a text is a command to comment, not a sentence."""
    return _COMMAND.fullmatch(value) is not None


def next_line(command: str | None) -> str:
    """Return the last line of a short comment: the command, or the advice if it is none."""
    if not command:
        return ""
    if is_command(command):
        return f"Next: comment {code(command)}.\n"
    return f"Next: {prose(command.strip().rstrip('.'), limit=300)}.\n"


def sentence(value: str, *, limit: int = 1000) -> str:
    """Format text from elsewhere as a sentence: upper-case first letter, full stop at the end."""
    said = value.strip()
    return prose(said[:1].upper() + said[1:].rstrip(". "), limit=limit) + "." if said else ""


def minute(at: datetime) -> str:
    """Return a time in UTC to the minute, ISO 8601."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def age(at: datetime, now: datetime) -> str:
    """Return how long ago something was."""
    seconds = int((now - at).total_seconds())
    if seconds < _MINUTE:
        return "just now"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min ago"
    return f"{seconds // _HOUR} h ago" if seconds < 2 * _DAY else f"{seconds // _DAY} days ago"


def duration(start: datetime | None, end: datetime | None) -> str | None:
    """Return how long something took, None if unknown."""
    if start is None or end is None:
        return None
    seconds = max(0, round((end - start).total_seconds()))
    if seconds < _MINUTE:
        return f"{seconds} s"
    minutes, rest = divmod(seconds, _MINUTE)
    return (
        f"{minutes} min {rest} s" if minutes < _MINUTE else f"{minutes // _MINUTE} h {minutes % _MINUTE} min"
    )


def short(sha: Sha | str | None) -> str:
    """Return an abbreviated commit id as code."""
    return code(sha[:7]) if sha else "unknown"


def counted(number: int, noun: str) -> str:
    """Return `1 resource`, `2 resources`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def tally(counts: Counts) -> tuple[tuple[Action, int], ...]:
    """Return the actions that occur with their numbers, gravest first."""
    numbers = {
        Action.DESTROY: counts.destroy,
        Action.REPLACE: counts.replace,
        Action.FORGET: counts.forget,
        Action.CHANGE: counts.change,
        Action.ADD: counts.add,
        Action.IMPORT: counts.import_,
        Action.MOVE: counts.move,
    }
    return tuple((action, number) for action, number in numbers.items() if number)


def to_do(counts: Counts, outputs: int) -> str:
    """Return what a plan would do: `1 to destroy, 2 to add`."""
    said = [f"{number} to {action}" for action, number in tally(counts)]
    if said:
        return ", ".join(said)
    return f"only {counted(outputs, 'output')} to change" if outputs else "no changes"


def apply_command(stack: Stack, plan: PlanRecord | None) -> str:
    """Return the exact command that applies a plan.

    Plans of reverts and state operations must be named.
    """
    named = plan is not None and plan.lane is not PlanLane.CODE
    return command("apply", stack, plan.id) if named and plan is not None else command("apply", stack)


def command(name: str, stack: Stack, *more: str) -> str:
    """Return the exact command for a stack: `/apply staging p7k2m9qa -p network`."""
    project = () if stack.project == "default" else ("-p", stack.project)
    return " ".join(["/" + name, stack.env, *more, *project])

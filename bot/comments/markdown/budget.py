"""Keep a comment within GitHub's size limit by omitting the least important parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

LIMIT = 60_000
"""Bytes of UTF-8; GitHub's own limit is 65,536 characters."""
_NOTE_ROOM = 2500


class Drop(IntEnum):
    """What may be omitted, in this order."""

    LOW_RISK_DIFF = 1
    DIFF = 2
    ADDED_ROW = 3
    UNCHANGED = 4
    WARNING = 5
    DETAIL = 6
    ROW = 7
    GATE = 8
    STACK = 9


_NAMES: Mapping[Drop, tuple[str, str]] = {
    Drop.LOW_RISK_DIFF: ("low-risk diff", "low-risk diffs"),
    Drop.DIFF: ("diff", "diffs"),
    Drop.ADDED_ROW: ("row of a resource to add", "rows of resources to add"),
    Drop.UNCHANGED: ("unchanged stack", "unchanged stacks"),
    Drop.WARNING: ("warning", "warnings"),
    Drop.DETAIL: ("detail", "details"),
    Drop.ROW: ("table row", "table rows"),
    Drop.GATE: ("list of gates", "lists of gates"),
    Drop.STACK: ("stack", "stacks"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a comment, including its line ends."""

    text: str
    drop: Drop | None = None
    """None for parts that are never omitted; their size must be bounded by their author."""
    group: str | None = None
    """What it belongs to; `3/diffs` is the group `diffs` inside the group `3`."""
    frame_of: str | None = None
    """Headings and closing lines that are omitted together with everything of that group."""
    is_note: bool = False
    """The place of the sentence that says what was omitted; its text follows that sentence."""


def fit(parts: Sequence[Part], *, limit: int = LIMIT) -> str:
    """Join the parts, omitting the least important ones while the result is too long."""
    kept = _with_frames([part for part in parts if part.text or part.is_note])
    total = sum(_size(part.text) for part in kept if not part.is_note)
    left_out: Counter[Drop] = Counter()
    if total > limit:
        kept, left_out = _reduced(kept, total - (limit - _NOTE_ROOM))
    body = "".join(_note(left_out, part.text) if part.is_note else part.text for part in _with_frames(kept))
    return clip(body, limit)


def _with_frames(parts: Sequence[Part]) -> list[Part]:
    """Return the parts without frames of groups that are empty."""
    groups = {name for part in parts if part.group for name in _with_outer(part.group)}
    return [part for part in parts if part.frame_of is None or part.frame_of in groups]


def _with_outer(group: str) -> Iterator[str]:
    levels = group.split("/")
    return ("/".join(levels[:depth]) for depth in range(1, len(levels) + 1))


def clip(value: str, limit: int) -> str:
    """Shorten a text to a number of bytes, at a character boundary."""
    data = value.encode("utf-8", "replace")
    if len(data) <= limit:
        return data.decode()
    return data[: limit - 3].decode("utf-8", "ignore") + "…"


def clip_lines(value: str, limit: int, *, keep_end: bool = False) -> str:
    """Shorten a text to whole lines of at most `limit` bytes, from its start or its end."""
    if _size(value) <= limit:
        return value
    lines, room = value.split("\n"), limit
    kept: list[str] = []
    for line in reversed(lines) if keep_end else lines:
        room -= _size(line) + 1
        if room < 0:
            break
        kept.append(line)
    if not kept:
        return clip(lines[-1] if keep_end else lines[0], limit)
    mark = f"… {len(lines) - len(kept)} more lines"
    return "\n".join([mark, *reversed(kept)] if keep_end else [*kept, mark])


def _reduced(parts: Sequence[Part], excess: int) -> tuple[list[Part], Counter[Drop]]:
    order = sorted(
        ((part.drop, -position) for position, part in enumerate(parts) if part.drop is not None),
    )
    members = Counter(name for part in parts if part.group for name in _with_outer(part.group))
    frames: Counter[str] = Counter()
    for part in parts:
        if part.frame_of is not None:
            frames[part.frame_of] += _size(part.text)
    gone: set[int] = set()
    for _, negative in order:
        if excess <= 0:
            break
        part = parts[-negative]
        gone.add(-negative)
        excess -= _size(part.text)
        for name in _with_outer(part.group) if part.group else ():
            members[name] -= 1
            # A frame goes with the last part of its group.
            excess -= 0 if members[name] else frames[name]
    left_out = Counter(drop for position in gone if (drop := parts[position].drop) is not None)
    return [part for position, part in enumerate(parts) if position not in gone], left_out


def _note(left_out: Counter[Drop], rest: str) -> str:
    if not left_out:
        return ""
    said = [f"{left_out[drop]} {_NAMES[drop][left_out[drop] != 1]}" for drop in Drop if left_out[drop]]
    return f"_Left out for length: {', '.join(said)}._ {rest}\n\n"


def _size(value: str) -> int:
    return len(value.encode("utf-8", "replace"))


def fit_text(body: str, *, limit: int = LIMIT) -> str:
    """Return a comment that is bounded by construction, shortened only as a safeguard."""
    return clip(body, limit)

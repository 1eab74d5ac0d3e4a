"""The middle of a plan comment: data loss, exposure, resources, diffs, drift, warnings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from bot.comments.markdown.budget import Drop, Part, clip_lines
from bot.comments.markdown.diff import to_github_diff
from bot.comments.markdown.escape import clean, code, fence, text
from bot.comments.markdown.words import counted, minute
from bot.domain.plans.plan import Action, PlanSummary, ResourceChange, RiskLevel
from bot.domain.releases.drift_checks import Drifted

_LONGEST_DIFF = 12_000
"""Bytes of one resource's diff; the run's page shows all of it."""
_MOST_LISTED = 8
_MOST_SINGLE = 8
"""Rows of a table in which equal ones are not grouped."""
_FEWEST_GROUPED = 3
_QUIET = frozenset({RiskLevel.NONE, RiskLevel.LOW})
_KEYS = re.compile(r'\[(?:\d+|"(?:[^"\\]|\\.)*")\]')
_ACTION_MARKS = {
    Action.DESTROY: "🟥",
    Action.REPLACE: "🟧",
    Action.FORGET: "🟪",
    Action.CHANGE: "🟨",
    Action.ADD: "🟩",
    Action.IMPORT: "🟦",
    Action.MOVE: "⬜",
}


def caution(summary: PlanSummary) -> str:
    """Return the box on what is destroyed or replaced, and on failed `check` blocks."""
    risk = summary.risk
    known = {*risk.stateful}
    destroyed = [address for address in risk.destroys if address not in known]
    replaced = [address for address in risk.replaces if address not in known]
    groups = [
        [
            f"> **This plan loses data.** It destroys or replaces {counted(len(risk.stateful), 'resource')} holding data:",
            *_listed(risk.stateful),
        ]
        if risk.stateful
        else [],
        [f"> It destroys {counted(len(destroyed), 'resource')}:", *_listed(destroyed)] if destroyed else [],
        [f"> It replaces {counted(len(replaced), 'resource')}:", *_listed(replaced)] if replaced else [],
        _failed_checks(summary.failed_checks),
    ]
    said = "\n>\n".join("\n".join(group) for group in groups if group)
    return f"> [!CAUTION]\n{said}\n\n" if said else ""


def _failed_checks(failed: Sequence[str]) -> list[str]:
    lines = [f"> - Check failed: {text(said, limit=300)}" for said in failed[:_MOST_LISTED]]
    more = len(failed) - _MOST_LISTED
    return [*lines, f"> - and {counted(more, 'more failed check')}"] if more > 0 else lines


def exposed(summary: PlanSummary) -> str:
    """Return the box on what the plan makes public."""
    if not summary.risk.exposes:
        return ""
    return (
        "\n".join(
            ["> [!WARNING]", "> **This plan opens something to everybody.**", *_listed(summary.risk.exposes)]
        )
        + "\n\n"
    )


def _listed(items: Sequence[str]) -> list[str]:
    lines = [f"> - {code(item, limit=150)}" for item in items[:_MOST_LISTED]]
    more = len(items) - _MOST_LISTED
    return [*lines, f"> - and {more} more"] if more > 0 else lines


def resource_table(summary: PlanSummary) -> Iterator[Part]:
    """Yield the risk line, and one row per resource or group of equal ones."""
    risk = summary.risk
    if not summary.resources:
        return
    if risk.level not in _QUIET:
        yield Part(text=f"Risk: **{risk.level}**. {text(' '.join(risk.reasons))}".rstrip() + "\n\n")
    rows = _grouped(summary.resources)
    # Columns that say nothing are not drawn.
    has_why = any(_why(row) for row, _ in rows)
    has_risk = any(row.risk not in _QUIET for row, _ in rows)
    titles = ["Action", "Resource", *(["Why"] if has_why else []), *(["Risk"] if has_risk else [])]
    frame = f"| {' | '.join(titles)} |\n|{' --- |' * len(titles)}\n"
    yield Part(text=frame, frame_of="resources")
    for row, number in rows:
        drop = Drop.ADDED_ROW if row.action is Action.ADD and row.risk is RiskLevel.LOW else Drop.ROW
        cells = [
            f"{_ACTION_MARKS[row.action]} {row.action}",
            code(row.address)
            if number == 1
            else f"{number} \N{MULTIPLICATION SIGN} {code(_without_keys(row.address))}",
            *([_why(row)] if has_why else []),
            *([_risk(row)] if has_risk else []),
        ]
        yield Part(text=f"| {' | '.join(cells)} |\n", drop=drop, group="resources")
    yield Part(text="\n", frame_of="resources")


def _grouped(rows: Sequence[ResourceChange]) -> list[tuple[ResourceChange, int]]:
    """Return the rows with how many each stands for; in a short table, each stands for one."""
    if len(rows) <= _MOST_SINGLE:
        return [(row, 1) for row in rows]
    numbers = Counter(_kind(row) for row in rows)
    found: dict[object, tuple[ResourceChange, int]] = {}
    for row in rows:
        number = numbers[_kind(row)]
        # What is destroyed or replaced is always named.
        is_single = number < _FEWEST_GROUPED or row.action in {Action.DESTROY, Action.REPLACE}
        found.setdefault(row.address if is_single else _kind(row), (row, 1 if is_single else number))
    return [*found.values()]


def _kind(row: ResourceChange) -> tuple[str, ...]:
    return (row.action, row.risk, _without_keys(row.address), _why(row))


def _risk(row: ResourceChange) -> str:
    return "" if row.risk in _QUIET else str(row.risk)


def _without_keys(address: str) -> str:
    return _KEYS.sub("", address)


def _why(row: ResourceChange) -> str:
    said = [text(row.reason, limit=200)] if row.reason else []
    if row.replace_paths:
        shown = ", ".join(code(path, limit=80) for path in row.replace_paths[:5])
        more = len(row.replace_paths) - 5
        said.append(f"Forced by {shown}{f' and {more} more' if more > 0 else ''}.")
    if row.previous_address:
        said.append(f"Moved from {code(row.previous_address)}.")
    if row.importing:
        said.append("Imported.")
    return " ".join(said)


def outputs(summary: PlanSummary) -> Iterator[Part]:
    """Yield the line of changed outputs; values are never shown."""
    if not summary.outputs:
        return
    yield Part(text="Outputs: ", frame_of="outputs")
    for number, output in enumerate(summary.outputs):
        secret = ", sensitive" if output.sensitive else ""
        shown = f"{', ' if number else ''}{code(output.name, limit=100)} ({output.action}{secret})"
        yield Part(text=shown, drop=Drop.DETAIL, group="outputs")
    yield Part(text=".\n\n", frame_of="outputs")


def diffs(summary: PlanSummary) -> Iterator[Part]:
    """Yield the folded diffs, one fence per resource."""
    shown = [row for row in summary.resources if row.diff]
    yield Part(
        text=f"<details><summary>Diff of {counted(len(shown), 'resource')}</summary>\n\n", frame_of="diffs"
    )
    for row in shown:
        low = row.risk in {RiskLevel.LOW, RiskLevel.NONE}
        yield Part(text=_diff(row.diff), drop=Drop.LOW_RISK_DIFF if low else Drop.DIFF, group="diffs")
    yield Part(text="</details>\n\n", frame_of="diffs")


def _diff(shown: str) -> str:
    return fence(to_github_diff(clip_lines(clean(shown), _LONGEST_DIFF)), "diff") + "\n"


def drift(summary: PlanSummary, checked: Sequence[Drifted] = ()) -> Iterator[Part]:
    """Yield the drift that matters to the plan, then the rest of what the last check found."""
    own = {row.address for row in summary.drift}
    others = [row for row in checked if row.address not in own]
    yield Part(text="**Changed outside Terraform**\n\n", frame_of="drift")
    for row in summary.drift:
        yield Part(text=f"- {code(row.address)} was {_outside(row)}.\n", drop=Drop.DETAIL, group="drift")
    for other in others:
        was = "deleted" if other.action is Action.DESTROY else "changed"
        line = f"- {code(other.address)} was {was}, first seen {minute(other.since)}; this plan is not affected.\n"
        yield Part(text=line, drop=Drop.DETAIL, group="drift")
    yield Part(text="\n", frame_of="drift")
    yield Part(
        text="<details><summary>Diff of what was changed outside</summary>\n\n", frame_of="drift diffs"
    )
    for row in summary.drift:
        if row.diff:
            yield Part(text=_diff(row.diff), drop=Drop.LOW_RISK_DIFF, group="drift diffs")
    for other in others:
        if other.diff:
            yield Part(text=_diff(other.diff), drop=Drop.LOW_RISK_DIFF, group="drift diffs")
    yield Part(text="</details>\n\n", frame_of="drift diffs")


def _outside(row: ResourceChange) -> str:
    return "deleted" if row.action is Action.DESTROY else "changed"


def remarks(title: str, remarks: Sequence[str]) -> Iterator[Part]:
    """Yield a titled list of Terraform's own messages."""
    yield Part(text=f"**{title}**\n\n", frame_of=title)
    for remark in remarks:
        yield Part(text=f"- {text(remark, limit=1000)}\n", drop=Drop.WARNING, group=title)
    yield Part(text="\n", frame_of=title)

"""The middle of a plan comment: data loss, exposure, resources, diffs, drift, warnings."""

from __future__ import annotations

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
_MOST_ALIKE = 2
"""Resources of one `count` or `for_each` that still get a row each."""
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
    """Return the box on what a plan destroys and which of its `check` blocks failed."""
    lines = danger(summary)
    return "\n".join(["> [!CAUTION]", *lines]) + "\n\n" if lines else ""


def danger(summary: PlanSummary, *, most: int = _MOST_LISTED) -> list[str]:
    """Return the quoted lines of that box; `most` resources are named."""
    risk = summary.risk
    lines: list[str] = []
    if risk.stateful:
        lines += [
            f"> **This plan loses data.** It destroys or replaces {counted(len(risk.stateful), 'resource')} holding data:",
            *_listed(risk.stateful, most),
        ]
    others = [address for address in risk.destroys if address not in {*risk.stateful}]
    if others:
        lines += [
            *([">"] if lines else []),
            f"> It destroys {counted(len(others), 'resource')}:",
            *_listed(others, most),
        ]
    if summary.failed_checks:
        lines += [">"] if lines else []
        lines += [f"> Check failed: {text(each, limit=500)}" for each in summary.failed_checks[:_MOST_LISTED]]
        more = len(summary.failed_checks) - _MOST_LISTED
        lines += [f"> And {more} more failed checks."] if more > 0 else []
    return lines


def change_mark(summary: PlanSummary) -> str:
    """Return the colour of the gravest change."""
    counts = summary.counts
    if counts.destroy or counts.replace:
        return "🟥"
    if counts.change or counts.forget or counts.move or summary.outputs:
        return "🟨"
    return "🟩" if counts.add or counts.import_ else "⚪"


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


def _listed(items: Sequence[str], most: int = _MOST_LISTED) -> list[str]:
    lines = [f"> - {code(item, limit=150)}" for item in items[:most]]
    more = len(items) - most
    return [*lines, f"> - and {more} more"] if more > 0 else lines


def resource_table(summary: PlanSummary) -> Iterator[Part]:
    """Yield the risk line and one row per resource."""
    risk = summary.risk
    if not summary.resources:
        return
    reasons = " ".join(risk.reasons)
    yield Part(text=f"Risk: **{risk.level}** ({risk.score} of 100). {text(reasons)}".rstrip() + "\n\n")
    groups = _grouped(summary.resources)
    # Columns that say nothing are not drawn.
    has_why = any(_why(rows[0]) for rows in groups)
    has_risk = len({rows[0].risk for rows in groups}) > 1
    titles = ["Action", "Resource", *(["Why"] if has_why else []), *(["Risk"] if has_risk else [])]
    head = f"| {' | '.join(titles)} |\n|{' --- |' * len(titles)}\n"
    yield Part(text=head, frame_of="resources")
    for rows in groups:
        row = rows[0]
        drop = Drop.ADDED_ROW if row.action is Action.ADD and row.risk is RiskLevel.LOW else Drop.ROW
        cells = [
            f"{_ACTION_MARKS[row.action]} {row.action}",
            code(row.address) if len(rows) == 1 else f"{len(rows)} x {code(_kind(row))}",
            *([_why(row)] if has_why else []),
            *([str(row.risk)] if has_risk else []),
        ]
        yield Part(text=f"| {' | '.join(cells)} |\n", drop=drop, group="resources")
    yield Part(text="\n")


def _grouped(resources: Sequence[ResourceChange]) -> list[list[ResourceChange]]:
    """Return the rows of the table: many resources of a kind to which the same happens share one."""
    groups: dict[object, list[ResourceChange]] = {}
    for row in resources:
        # Anything destroyed, replaced or explained has a row with its address.
        alike = row.action in {Action.ADD, Action.CHANGE} and not _why(row)
        key = (row.action, _kind(row), row.risk) if alike else row.address
        groups.setdefault(key, []).append(row)
    return [
        part
        for rows in groups.values()
        for part in ([rows] if len(rows) > _MOST_ALIKE else [[row] for row in rows])
    ]


def _kind(row: ResourceChange) -> str:
    """Return the module path, type and name of a resource, without its instance key."""
    return row.address.rsplit("[", 1)[0] if row.address.endswith("]") else row.address


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
        line = f"- {code(other.address)} was {was}, first seen {minute(other.since)}; it does not matter to this plan.\n"
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

"""The table that stands beside the recordings."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence

from tests.recorder.model import Json, Recording

_HEADER = "x-accepted-github-permissions"


def summary(recordings: Sequence[Recording]) -> str:
    """Return what was found, and what GitHub says that each request needs."""
    rows = [
        f"| {each.name} | {each.recorded_at} | {_cell(fact)} | {_cell(_words(value))} |"
        for each in recordings
        for fact, value in each.facts.items()
    ]
    measured = [
        f"| {each.name} | {_cell(name)} | {_cell(_words(value))} |"
        for each in recordings
        for name, value in each.measured.items()
    ]
    return "\n".join(
        (
            "# What was recorded",
            "",
            "| Experiment | Recorded | Fact | Found |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
            "| Experiment | Measured | Found |",
            "| --- | --- | --- |",
            *measured,
            "",
            "| Request | Statuses | Accepted permissions |",
            "| --- | --- | --- |",
            *_requests([exchange for each in recordings for exchange in each.exchanges]),
            "",
        )
    )


def _requests(exchanges: Sequence[Json]) -> list[str]:
    statuses: dict[str, set[int]] = defaultdict(set)
    accepted: dict[str, set[str]] = defaultdict(set)
    for each in exchanges:
        request = f"{each['method']} {each['route']}"
        statuses[request].add(each["status"])
        accepted[request] |= {each["headers"][_HEADER]} if _HEADER in each["headers"] else set()
    return [
        f"| `{name}` | {', '.join(map(str, sorted(statuses[name])))} | {_cell(' or '.join(sorted(accepted[name])))} |"
        for name in sorted(statuses)
    ]


def _words(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")

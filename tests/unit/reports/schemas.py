"""Writes the JSON Schemas of reports: `python -m tests.unit.reports.schemas`."""

from __future__ import annotations

import json
from pathlib import Path

from bot.reports.kinds import KINDS, Kind, json_schema

SCHEMAS = Path(__file__).parents[3] / "docs" / "schemas"


def content_of(kind: Kind) -> str:
    """Return the file of a kind."""
    return json.dumps(json_schema(kind), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    for each in KINDS.values():
        (SCHEMAS / f"{each.name}.json").write_text(content_of(each), encoding="utf-8")

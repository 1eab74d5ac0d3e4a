"""Writes the OpenAPI document: `python -m tests.unit.web.openapi`."""

from __future__ import annotations

import json
from pathlib import Path

from bot.web.api.openapi import document

FILE = Path(__file__).parents[3] / "docs" / "schemas" / "openapi.json"


def content() -> str:
    """Return the file, which is of no version of the program."""
    return json.dumps(document("v1"), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(content(), encoding="utf-8")

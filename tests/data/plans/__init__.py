"""Plans for unit tests; README.md says where each comes from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


def plan_json(name: str, file: str = "plan.json") -> dict[str, Any]:
    """Return a plan as `terraform show -json` printed it."""
    loaded: dict[str, Any] = json.loads((_HERE / name / file).read_text())
    return loaded


def plan_text(name: str) -> str:
    """Return a plan as `terraform show -no-color` printed it."""
    return (_HERE / name / "plan.txt").read_text()

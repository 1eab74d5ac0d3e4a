"""The machine-readable first line of every comment; our store, never a comment, is the source of truth."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

_LINE = re.compile(r"<!-- gatewright (\{.*\}) -->\s*")
_LONGEST = 20_000


def header(
    kind: str,
    *,
    env: str | None = None,
    project: str | None = None,
    run: str | None = None,
    plan: str | None = None,
    head: str | None = None,
    status: str | None = None,
    reason: str | None = None,
    reasons: Sequence[str] = (),
    ref: str | None = None,
) -> str:
    """Return `<!-- gatewright {json} -->`; fields that are None or empty are left out.

    `ref` names what caused the comment, so that a repeated write recognises it. `--`, `<` and `>` cannot appear
    inside, so no value can end the HTML comment.
    """
    fields = {
        "kind": kind,
        "env": env,
        "project": project,
        "run": run,
        "plan": plan,
        "head": head,
        "status": status,
        "reason": reason,
        "reasons": [str(item) for item in reasons],
        "ref": ref,
    }
    kept = {name: value if isinstance(value, list) else str(value) for name, value in fields.items() if value}
    text = json.dumps(kept, ensure_ascii=True)
    for raw, safe in (("--", "-\\u002d"), ("<", "\\u003c"), (">", "\\u003e")):
        text = text.replace(raw, safe)
    return f"<!-- gatewright {text} -->"


def parse_header(body: str) -> dict[str, Any] | None:
    """Return the fields of a comment's first line; None when it is not one of ours. Never raises."""
    match = _LINE.fullmatch(body[:_LONGEST].split("\n", 1)[0])
    if match is None:
        return None
    try:
        fields = json.loads(match[1])
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None

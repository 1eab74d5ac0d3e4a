"""The machine-readable first line of every comment; our database is the source of truth."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_LINE = re.compile(r"<!-- gatewright (\{.*\}) -->\s*")
_LONGEST = 40_000
_OF_A_STACK = ("env", "project", "run", "plan", "status")


@dataclass(frozen=True, slots=True, kw_only=True)
class StackStatus:
    """What a comment about several stacks says of one of them."""

    env: str
    project: str
    run: str | None = None
    plan: str | None = None
    status: str

    def fields(self) -> dict[str, str]:
        """Return its fields without those that are None."""
        found = {
            "env": self.env,
            "project": self.project,
            "run": self.run,
            "plan": self.plan,
            "status": self.status,
        }
        return {name: str(value) for name, value in found.items() if value}


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
    stacks: Sequence[StackStatus] = (),
) -> str:
    """Return `<!-- gatewright {json} -->` without fields that are None or empty.

    `ref` names the cause of the comment, so that a repeated write recognises it. The fields of a single
    stack appear at the top level as well. `--`, `<` and `>` cannot appear inside, so no value can end the
    HTML comment.
    """
    if len(stacks) == 1:
        env, project, run, plan = stacks[0].env, stacks[0].project, stacks[0].run, stacks[0].plan
        status = stacks[0].status
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
        "stacks": [stack.fields() for stack in stacks],
    }
    kept = {name: value if isinstance(value, list) else str(value) for name, value in fields.items() if value}
    text = json.dumps(kept, ensure_ascii=True)
    for raw, safe in (("--", "-\\u002d"), ("<", "\\u003c"), (">", "\\u003e")):
        text = text.replace(raw, safe)
    return f"<!-- gatewright {text} -->"


def parse_header(body: str) -> dict[str, Any] | None:
    """Return the fields of a comment's first line; None if it is not ours. Never raises."""
    match = _LINE.fullmatch(body[:_LONGEST].split("\n", 1)[0])
    if match is None:
        return None
    try:
        fields = json.loads(match[1])
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def stack_headers(fields: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the header of each stack with the shared fields; the header itself without stacks."""
    stacks = fields.get("stacks")
    found = [stack for stack in stacks if isinstance(stack, dict)] if isinstance(stacks, list) else []
    if not found:
        yield fields
    shared = {name: value for name, value in fields.items() if name not in {*_OF_A_STACK, "stacks"}}
    for stack in found:
        yield shared | stack

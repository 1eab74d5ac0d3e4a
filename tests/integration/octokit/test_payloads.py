"""GitHub's own example payloads are read, also with everything empty that its schemas let be empty."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot.events import payload_of
from bot.web.events import PAYLOADS
from tests.integration.octokit.client import client

__all__ = ["client"]
_EXAMPLES = "node_modules/@octokit/webhooks-examples/api.github.com/index.json"
_EMPTY = frozenset(
    {
        "app",
        "body",
        "head_commit",
        "label",
        "merge_commit_sha",
        "merged_by",
        "performed_via_github_app",
        "repo",
        "sender",
        "user",
    }
)
"""Names of what can be null: deleted accounts and forks, what a program did not do, what nobody wrote."""


def places(payload: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield where something can be empty; the repository of a base never is."""
    if isinstance(payload, dict):
        for name, value in payload.items():
            if name in _EMPTY and (*path[-1:], name) != ("base", "repo"):
                yield (*path, name)
            yield from places(value, (*path, name))


def without(payload: dict[str, Any], *paths: tuple[str, ...], remove: bool = False) -> bytes:
    made = copy.deepcopy(payload)
    for *outer, last in paths:
        place: Any = made
        for name in outer:
            place = (place or {}).get(name)
        if place and last in place:
            place[last] = None
            if remove:
                del place[last]
    return json.dumps(made).encode()


async def test_every_example_of_github_is_read_despite_empty_fields(client: Path) -> None:
    events = json.loads((client / _EXAMPLES).read_text(encoding="utf-8"))
    assert PAYLOADS.keys() <= {event["name"] for event in events}
    read = 0

    for event in events:
        for example in event["examples"]:
            found = [*places(example)] if event["name"] in PAYLOADS else []
            bodies = [without(example), without(example, *found), without(example, ("sender",), remove=True)]
            for body in (*bodies, *(without(example, path) for path in found)):
                payload_of(event["name"], body)
                read += 1

    assert read > 1000

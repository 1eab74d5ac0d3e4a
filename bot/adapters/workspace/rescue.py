"""Reading the errored states that Terraform left in its working directory. Blocking."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from bot.adapters.untrusted import Found, walk
from bot.adapters.workspace.tree_rules import ERRORED_STATE
from bot.domain.core.errors import UnsafeTreeError
from bot.ports.records.errored_states import ErroredState

_LARGEST = 256 * 1024 * 1024


def errored_states(quarantined: Sequence[Path], directory: str) -> Iterator[ErroredState]:
    """Yield the errored states of one stack's slots.

    `directory` is the name of the stack's directory. Files that are not a state are skipped: code of a pull
    request wrote them.
    """
    ours = re.compile(rf"{re.escape(directory)}--[0-9]+-[0-9TZ]+")
    for place in quarantined:
        if not ours.fullmatch(place.name):
            continue
        # Where there is more than can be looked through, what was found before that is still offered.
        with contextlib.suppress(UnsafeTreeError):
            yield from _states(place / "tree")


def _states(tree: Path) -> Iterator[ErroredState]:
    for entry in walk(tree, whole=False):
        if entry.name == ERRORED_STATE and entry.is_file:
            state = _read(entry, tree / entry.path)
            if state is not None:
                yield state


def _read(entry: Found, path: Path) -> ErroredState | None:
    try:
        state = json.loads(entry.content(largest=_LARGEST))
    except (UnsafeTreeError, ValueError, RecursionError):
        return None
    serial = state.get("serial") if isinstance(state, dict) else None
    lineage = state.get("lineage") if isinstance(state, dict) else None
    if type(serial) is not int or not isinstance(lineage, str):
        return None
    return ErroredState(path=path, serial=serial, lineage=lineage)

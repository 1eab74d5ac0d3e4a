"""Filter the drift that a refresh reported down to what needs attention."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain.plans.resource_changes import action_of

_INDEX = re.compile(r"\[[^\[\]]*\]$")


def real_drift(plan_json: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the items of `resource_drift` that are real changes made outside Terraform.

    Like Terraform's own text, this leaves out moves, differences between null and empty, and attributes that
    nothing in this plan depends on. It keeps deletions, resources that this plan changes (it would undo the
    outside change), and attributes that a planned change uses (`relevant_attributes`).
    """
    planned = {item.get("address") for item in plan_json.get("resource_changes") or () if action_of(item)}
    relevant: dict[str, list[Sequence[Any]]] = {}
    for entry in plan_json.get("relevant_attributes") or ():
        relevant.setdefault(str(entry.get("resource")), []).append(entry.get("attribute") or ())
    return [
        item
        for item in plan_json.get("resource_drift") or ()
        if item.get("mode") != "data" and _is_real(item, planned, relevant)
    ]


def outside_changes(plan_json: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the `resource_drift` of a refresh-only plan, without moves and empty parts.

    A refresh-only plan changes nothing, so `relevant_attributes` does not apply.
    """
    return [
        item
        for item in plan_json.get("resource_drift") or ()
        if item.get("mode") != "data" and _says_something(item.get("change") or {})
    ]


def _says_something(change: Mapping[str, Any]) -> bool:
    unchanged = _settled(change.get("before")) == _settled(change.get("after"))
    return not unchanged and not set(change.get("actions") or ()) <= {"no-op"}


def _is_real(
    item: Mapping[str, Any], planned: set[str | None], relevant: Mapping[str, Sequence[Sequence[Any]]]
) -> bool:
    change = item.get("change") or {}
    before, after = change.get("before"), change.get("after")
    if not _says_something(change):
        return False
    address = str(item.get("address"))
    if after is None or address in planned:
        return True
    paths = [*relevant.get(address, ()), *relevant.get(_INDEX.sub("", address), ())]
    return any(_settled(_at(before, path)) != _settled(_at(after, path)) for path in paths)


def _at(value: Any, path: Sequence[Any]) -> Any:
    for step in path:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _settled(value: Any) -> Any:
    """Return a value without its empty parts, so that null, "" and [] compare equal."""
    if isinstance(value, Mapping):
        inner = {key: _settled(item) for key, item in value.items()}
        return {key: item for key, item in inner.items() if item is not None} or None
    if isinstance(value, list):
        return [_settled(item) for item in value] or None
    return None if value == "" else value

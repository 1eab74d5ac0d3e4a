"""Read one item of Terraform's `resource_changes` or `resource_drift`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from bot.domain.plans.plan import Action

_FOR_EACH_KEY = re.compile(r'(?<=\[")(?:[^"\\]|\\.)*(?="\])')
_REASONS = {
    "replace_because_tainted": "Tainted: its creation or a provisioner failed half-way.",
    "replace_because_cannot_update": "It cannot be updated in place.",
    "replace_by_request": "Asked for with -replace.",
    "replace_by_triggers": "replace_triggered_by asks for it.",
    "delete_because_no_resource_config": "No longer in the configuration.",
    "delete_because_no_module": "Its module is no longer in the configuration.",
    "delete_because_wrong_repetition": "count or for_each was added to it or removed.",
    "delete_because_count_index": "Its index is beyond count.",
    "delete_because_each_key": "Its key is no longer in for_each.",
    "delete_because_no_move_target": "A moved block names a target that is not in the configuration.",
}


def action_of(item: Mapping[str, Any]) -> Action | None:
    """Return what happens to a managed resource; None for data sources and unchanged resources."""
    change = item.get("change") or {}
    actions = frozenset(change.get("actions") or ())
    if item.get("mode") == "data" or str(item.get("address", "")).startswith("data."):
        return None
    if "create" in actions and actions & {"delete", "forget"}:
        return Action.REPLACE
    for name, action in (
        ("delete", Action.DESTROY),
        ("forget", Action.FORGET),
        ("update", Action.CHANGE),
        ("create", Action.ADD),
    ):
        if name in actions:
            return action
    if change.get("importing"):
        return Action.IMPORT
    return Action.MOVE if item.get("previous_address") not in {None, item.get("address")} else None


def reason_of(item: Mapping[str, Any]) -> str | None:
    """Return Terraform's reason as text, None if it gives none."""
    if item.get("deposed"):
        return "Left over from a replacement that failed half-way."
    if action_of(item) is Action.FORGET:
        return "A removed block lets go of it without destroying it."
    return _REASONS.get(str(item.get("action_reason", "")))


def replace_paths_of(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the attributes that force a replacement, as dotted paths."""
    paths = (item.get("change") or {}).get("replace_paths") or ()
    return tuple(".".join(str(step) for step in path) for path in paths)


def name_in_text(item: Mapping[str, Any]) -> str:
    """Return the name of this resource in the headers of Terraform's text."""
    address = str(item.get("address", ""))
    return f"{address} (deposed object {item['deposed']})" if item.get("deposed") else address


def shown_address(address: str, redact: Callable[[str], str]) -> str:
    """Return an address with redacted `for_each` keys; names from the code are kept."""
    return _FOR_EACH_KEY.sub(lambda match: redact(match[0]), address)

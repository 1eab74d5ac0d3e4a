"""Outputs and `check` blocks of a Terraform state."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.domain.core.outcome import Outcome

_CHECKS = {"pass": Outcome.PASS, "fail": Outcome.FAIL, "error": Outcome.ERROR}


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A `check` block."""

    address: str
    outcome: Outcome
    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StateFacts:
    """The readable part of a state."""

    outputs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Name -> value; sensitive values are in clear."""
    sensitive: frozenset[str] = frozenset()
    """Names of sensitive outputs."""
    conditions: tuple[Condition, ...] = ()


def state_facts(data: bytes | None) -> StateFacts:
    """Return the facts of a state object (format 4); empty if there is no state. Never raises."""
    try:
        state = json.loads(data or b"{}")
    except (ValueError, RecursionError):
        state = None
    if not isinstance(state, Mapping):
        return StateFacts()
    outputs, checks = state.get("outputs"), state.get("check_results")
    known = {name: each for name, each in _mapping(outputs).items() if isinstance(each, Mapping)}
    return StateFacts(
        outputs={name: each.get("value") for name, each in known.items()},
        sensitive=frozenset(name for name, each in known.items() if each.get("sensitive")),
        conditions=tuple(_condition(each) for each in _items(checks) if _is_check(each)),
    )


def _is_check(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("object_kind") == "check"


def _condition(result: Mapping[str, Any]) -> Condition:
    objects = result.get("objects") or ()
    messages = [
        str(message)
        for each in objects
        if isinstance(each, Mapping)
        for message in each.get("failure_messages") or ()
    ]
    return Condition(
        address=str(result.get("config_addr")),
        outcome=_CHECKS.get(str(result.get("status")), Outcome.INCONCLUSIVE),
        messages=tuple(messages),
    )


def _items(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}

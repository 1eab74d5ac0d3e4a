"""Detect plans that do not contain every object of the state they were made for.

A program that runs during the plan can save a plan whose own copy of the state lacks objects. Applying it
would write a state without them, and none of the shown changes would reveal that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

_Key = tuple[str, str, str, object]
"""Address of the module, type, name and index of a resource instance."""


def unknown_to_plan(state: bytes | None, plan_json: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the sorted addresses of managed objects in a state that its plan does not contain.

    `state` is the file as Terraform stores it; the result is empty if it cannot be read.
    """
    missing = set(_stored(state)) - set(_known(plan_json))
    return tuple(sorted(_address(key) for key in missing))


def _stored(state: bytes | None) -> Iterator[_Key]:
    try:
        found = json.loads(state or b"{}")
    except ValueError:
        return
    for resource in _objects(_object(found).get("resources")):
        if resource.get("mode") != "managed":
            continue
        for instance in _objects(resource.get("instances")):
            # A deposed object is on its way out, and has the address of the one that stands in its place.
            if not instance.get("deposed"):
                module = str(resource.get("module") or "")
                yield module, str(resource.get("type")), str(resource.get("name")), instance.get("index_key")


def _known(plan_json: Mapping[str, Any]) -> Iterator[_Key]:
    prior = _object(_object(plan_json.get("prior_state")).get("values"))
    yield from _in_module(_object(prior.get("root_module")), "")
    for part in ("resource_changes", "resource_drift"):
        for change in _objects(plan_json.get(part)):
            yield _key(change, str(change.get("module_address") or ""))


def _in_module(module: Mapping[str, Any], address: str) -> Iterator[_Key]:
    for resource in _objects(module.get("resources")):
        yield _key(resource, address)
    for child in _objects(module.get("child_modules")):
        yield from _in_module(child, str(child.get("address") or ""))


def _key(resource: Mapping[str, Any], module: str) -> _Key:
    return module, str(resource.get("type")), str(resource.get("name")), resource.get("index")


def _address(key: _Key) -> str:
    module, kind, name, index = key
    shown = "" if index is None else f"[{json.dumps(index)}]"
    return f"{f'{module}.' if module else ''}{kind}.{name}{shown}"


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, Mapping))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}

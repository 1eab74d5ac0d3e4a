"""Sensitive values of a plan, according to Terraform's own sensitive maps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

_MAX_JSON_DEPTH = 8
"""Depth to which JSON inside JSON strings is decoded."""


def sensitive_values(plan_json: Mapping[str, Any]) -> set[str]:
    """Return every sensitive value of a plan as text; `Redactor` decides which are searched for.

    They are the marked values of resource, drift and output changes, of the prior and the planned state, and
    of sensitive variables and outputs. A sensitive string that is JSON also gives its inner values, because
    Terraform prints it as an object.
    """
    return {*_every(plan_json)}


def change_secrets(change: Mapping[str, Any]) -> set[str]:
    """Return the sensitive values of one `change` object, including short ones and numbers."""
    return {*_of_change(change)}


def _every(plan: Mapping[str, Any]) -> Iterator[str]:
    for key in ("resource_changes", "resource_drift"):
        for resource in plan.get(key) or ():
            yield from _of_change(resource.get("change") or {})
    for change in (plan.get("output_changes") or {}).values():
        yield from _of_change(change)
    values = plan.get("variables") or {}
    root = (plan.get("configuration") or {}).get("root_module") or {}
    for name, variable in (root.get("variables") or {}).items():
        if variable.get("sensitive"):
            yield from scalars((values.get(name) or {}).get("value"))
    yield from _of_configuration(root)
    yield from _of_state(plan.get("planned_values") or {})
    yield from _of_state((plan.get("prior_state") or {}).get("values") or {})


def _of_change(change: Mapping[str, Any]) -> Iterator[str]:
    for side in ("before", "after"):
        yield from marked(change.get(side), change.get(f"{side}_sensitive"))


def _of_configuration(module: Mapping[str, Any]) -> Iterator[str]:
    """Yield defaults of sensitive variables and constants passed to them, in every module."""
    for variable in (module.get("variables") or {}).values():
        if variable.get("sensitive"):
            yield from scalars(variable.get("default"))
    for call in (module.get("module_calls") or {}).values():
        called = call.get("module") or {}
        for name, variable in (called.get("variables") or {}).items():
            expression = (call.get("expressions") or {}).get(name)
            if variable.get("sensitive") and isinstance(expression, Mapping):
                yield from scalars(expression.get("constant_value"))
        yield from _of_configuration(called)


def _of_state(values: Mapping[str, Any]) -> Iterator[str]:
    for output in (values.get("outputs") or {}).values():
        if output.get("sensitive"):
            yield from scalars(output.get("value"))
    modules = [values.get("root_module") or {}]
    while modules:
        module = modules.pop()
        modules += module.get("child_modules") or ()
        for resource in module.get("resources") or ():
            yield from marked(resource.get("values"), resource.get("sensitive_values"))


def marked(value: Any, marks: Any) -> Iterator[str]:
    """Yield the scalars of `value` that the parallel structure `marks` declares sensitive."""
    pending = [(value, marks)]
    while pending:
        value, marks = pending.pop()
        if marks is True:
            yield from scalars(value)
        elif isinstance(marks, Mapping) and isinstance(value, Mapping):
            pending += [(value.get(key), mark) for key, mark in marks.items()]
        elif isinstance(marks, list) and isinstance(value, list):
            pending += zip(value, marks, strict=False)


def scalars(value: Any) -> Iterator[str]:
    """Yield every string and number in a JSON value, including JSON inside strings; no booleans."""
    pending = [(value, 0)]
    while pending:
        value, depth = pending.pop()
        if isinstance(value, str):
            yield value
            if depth < _MAX_JSON_DEPTH:
                pending.append((_opened(value), depth + 1))
        elif isinstance(value, Mapping):
            pending += [(inner, depth) for inner in value.values()]
        elif isinstance(value, list):
            pending += [(inner, depth) for inner in value]
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield json.dumps(value)


def _opened(text: str) -> Any:
    """Return the JSON object or array in a string, else None."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None

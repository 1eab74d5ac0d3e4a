"""Check that a plan was made with the variable values that its stack was given.

A program that runs during the plan can save another plan, of the same code with other values. If only a
provisioner uses a value, no shown change reveals it. Terraform compares the values of the var file at apply;
values from the environment and defaults of the code are compared here.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, Final

PREFIX: Final = "TF_VAR_"


def differing_variables(
    plan_json: Mapping[str, Any], *, given: Mapping[str, str], elsewhere: Collection[str]
) -> tuple[str, ...]:
    """Return the sorted root variables with neither the given nor the default value.

    `given` is the environment of the plan. `elsewhere` names variables that var files set or that plans do
    not store.
    """
    root = _object(_object(plan_json.get("configuration")).get("root_module"))
    declared = _object(root.get("variables"))
    values = _object(plan_json.get("variables"))
    return tuple(
        sorted(
            name
            for name, says in declared.items()
            if name not in elsewhere
            and not _is_expected(
                _object(values.get(name)).get("value"), _object(says), given.get(PREFIX + name)
            )
        )
    )


def _is_expected(value: Any, says: Mapping[str, Any], text: str | None) -> bool:
    if says.get("ephemeral"):
        return True
    if text is None:
        return bool(value == says.get("default"))
    if isinstance(value, str):
        return value == text
    try:
        return bool(json.loads(text) == value)
    except ValueError:
        # Maps and lists are mostly written as Terraform expressions, which are not evaluated here.
        return True


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}

"""Whether a plan was made with the values that its stack has been given.

A program that runs while a plan is made can save a plan of its own, of the same code but with other values. Where a
value is used by a provisioner alone, no change that is shown tells of it. Terraform itself compares what the var file
sets when the plan is applied; what the environment sets and what the code has as a default is compared here.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, Final

PREFIX: Final = "TF_VAR_"


def differing_variables(
    plan_json: Mapping[str, Any], *, given: Mapping[str, str], elsewhere: Collection[str]
) -> tuple[str, ...]:
    """Return the sorted names of root variables whose value in a plan is neither that given nor the code's default.

    `given` is the environment of the plan. `elsewhere` names the variables that var files set or that no plan keeps.
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
        # Maps and lists are mostly written in Terraform's own way, which nobody evaluates here.
        return True


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.plans.variables import differing_variables


def plan(value: Any, **says: Any) -> dict[str, Any]:
    """Return the JSON of a plan with one root variable."""
    return {
        "variables": {"cmd": {"value": value}},
        "configuration": {"root_module": {"variables": {"cmd": says}}},
    }


@pytest.mark.parametrize(
    ("found", "given"),
    [
        pytest.param(plan("echo", default="echo"), {}, id="the default"),
        pytest.param(plan({"a": [1, None]}, default={"a": [1, None]}), {}, id="a structured default"),
        pytest.param(plan(None), {}, id="nothing, and no default"),
        pytest.param(plan("other", default="echo"), {"TF_VAR_cmd": "other"}, id="what was given"),
        pytest.param(plan("5"), {"TF_VAR_cmd": "5"}, id="a text that is a number"),
        pytest.param(plan(5), {"TF_VAR_cmd": "5"}, id="a number"),
        pytest.param(plan(["a"]), {"TF_VAR_cmd": '["a"]'}, id="a list in JSON"),
        pytest.param(plan({"a": 1}), {"TF_VAR_cmd": "{ a = 1 }"}, id="a map in Terraform's own way"),
        pytest.param(
            plan(None, default="echo", ephemeral=True), {}, id="an ephemeral one, which no plan keeps"
        ),
        pytest.param({"configuration": None, "variables": []}, {}, id="no plan at all"),
    ],
)
def test_a_value_that_was_given_passes(found: dict[str, Any], given: dict[str, str]) -> None:
    assert differing_variables(found, given=given, elsewhere=()) == ()


@pytest.mark.parametrize(
    ("found", "given"),
    [
        pytest.param(plan("evil", default="echo"), {}, id="not the default"),
        pytest.param(plan("evil"), {}, id="a value where there is no default"),
        pytest.param(plan("evil", default="echo"), {"TF_VAR_cmd": "echo"}, id="not what was given"),
        pytest.param(plan("echo", default="echo"), {"TF_VAR_cmd": "other"}, id="the default in its place"),
        pytest.param(plan(["b"]), {"TF_VAR_cmd": '["a"]'}, id="another list"),
        pytest.param(plan(1, default=0), {}, id="another number"),
    ],
)
def test_another_value_is_found_by_its_name(found: dict[str, Any], given: dict[str, str]) -> None:
    assert differing_variables(found, given=given, elsewhere=()) == ("cmd",)
    assert differing_variables(found, given=given, elsewhere={"cmd"}) == ()

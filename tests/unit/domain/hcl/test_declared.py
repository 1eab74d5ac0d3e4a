from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.hcl.sensitive_variables import declared_secrets, sensitive_variables


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ('variable "a" { sensitive = true }', {"a"}),
        ('variable "a" {\n  type = string\n  sensitive   = true\n}\nvariable "b" {\n}\n', {"a"}),
        ('variable "a" {\n  sensitive = false\n}\n', set()),
        ("variable a {\n  sensitive = true\n}\n", {"a"}),
        ('variable "a" {\n  sensitive = var.anything\n}\n', {"a"}),
        ('variable "a" {\n  default = {\n    sensitive = true\n  }\n}\n', set()),
        ('variable "a" {\n  validation {\n    condition = true\n  }\n  sensitive = true\n}', {"a"}),
        ('output "a" {\n  sensitive = true\n}\n', set()),
        ('# variable "a" { sensitive = true }\n', set()),
        ('variable "a" {\n  default = "} sensitive = true"\n}\n', set()),
        ('{"variable": {"a": {"sensitive": true}, "b": {"sensitive": false}, "c": {}}}', {"a"}),
        ('{"variable": [{"a": [{"sensitive": "${true}"}]}]}', {"a"}),
        ('{"variable": 3}', set()),
        ("{", set()),
        ("", set()),
    ],
)
def test_declarations_are_found(source: str, names: set[str]) -> None:
    assert sensitive_variables(source) == names


def test_values_are_those_of_environment_and_what_is_in_them() -> None:
    source = 'variable "login" {\n  sensitive = true\n}\nvariable "public" {}\n'
    login = json.dumps({"user": "dana-the-user", "password": "hunter2-hunter2"})

    found = declared_secrets([source, ""], {"TF_VAR_login": login, "TF_VAR_public": "x", "TF_VAR_other": "y"})

    assert found == {login, "dana-the-user", "hunter2-hunter2"}


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.text(alphabet='variable "a{}=\nsensitive true#<'))
def test_nothing_is_too_odd_to_be_read(source: str) -> None:
    assert isinstance(sensitive_variables(source), set)

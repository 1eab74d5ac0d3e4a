from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.hcl.variables import (
    Difference,
    declared_variables,
    differences,
    takes_ephemeral,
    unlike,
)

EPHEMERAL = 'variable "a" {\n  ephemeral = true\n}\n'
ORDINARY = 'variable "a" {\n}\n'


@pytest.mark.parametrize(
    ("source", "declared", "ephemeral", "perhaps"),
    [
        (EPHEMERAL, {"a"}, {"a"}, {"a"}),
        ('variable "a" { ephemeral = true }', {"a"}, {"a"}, {"a"}),
        ("variable a {\n  ephemeral = true # said\n}\n", {"a"}, {"a"}, {"a"}),
        (
            'variable "a" {\n  validation {\n    condition = true\n  }\n  ephemeral = true}',
            {"a"},
            {"a"},
            {"a"},
        ),
        (ORDINARY, {"a"}, set(), set()),
        ('variable "a" {\n  ephemeral = false\n}\n', {"a"}, set(), set()),
        ('variable "a" {\n  ephemeral = true && false\n}\n', {"a"}, set(), {"a"}),
        ('variable "a" {\n  ephemeral = !true\n}\n', {"a"}, set(), {"a"}),
        ('variable "a" {\n  ephemeral = (\n    true\n  )\n}\n', {"a"}, set(), {"a"}),
        ('variable "a" {\n  ephemeral = "true"\n}\n', {"a"}, set(), {"a"}),
        ('variable "a" {\n  default = {\n    ephemeral = true\n  }\n}\n', {"a"}, set(), set()),
        ('variable "a" {\n  default = "} ephemeral = true"\n}\n', {"a"}, set(), set()),
        ('variable "a" {\n  default = <<E\n  ephemeral = true\nE\n}\n', {"a"}, set(), set()),
        ('variable "a" {\n  # ephemeral = true\n}\n', {"a"}, set(), set()),
        ('output "a" {\n  ephemeral = true\n}\n', set(), set(), set()),
        ("locals {\n  variable = { ephemeral = true }\n}\n", set(), set(), set()),
        ("", set(), set(), set()),
    ],
)
def test_declarations_are_read_from_hcl(
    source: str, declared: set[str], ephemeral: set[str], perhaps: set[str]
) -> None:
    found = declared_variables({"main.tf": source}, "terraform")

    assert [found.declared, found.ephemeral, found.perhaps_ephemeral] == [
        *map(frozenset, (declared, ephemeral, perhaps))
    ]
    assert found.is_complete


@pytest.mark.parametrize(
    ("source", "declared", "ephemeral", "perhaps"),
    [
        ('{"variable": {"a": {"ephemeral": true}, "b": {}}}', {"a", "b"}, {"a"}, {"a"}),
        ('[{"variable": [{"a": [{"ephemeral": true}]}]}]', {"a"}, {"a"}, {"a"}),
        ('{"variable": {"a": {"ephemeral": "${true}"}}}', {"a"}, set(), {"a"}),
        ('{"variable": {"a": {"ephemeral": false}}}', {"a"}, set(), set()),
        (
            '{"variable": {"a": {"ephemeral": true}}, "variable": {"a": {"ephemeral": false}}}',
            {"a"},
            set(),
            {"a"},
        ),
        ('{"variable": {"a": {"ephemeral": true, "ephemeral": false}}}', {"a"}, set(), {"a"}),
        ('{"variable": 3}', set(), set(), set()),
        ('{"resource": {"variable": {"a": {}}}}', set(), set(), set()),
    ],
)
def test_declarations_are_read_from_json(
    source: str, declared: set[str], ephemeral: set[str], perhaps: set[str]
) -> None:
    found = declared_variables({"main.tf.json": source}, "terraform")

    assert [found.declared, found.ephemeral, found.perhaps_ephemeral] == [
        *map(frozenset, (declared, ephemeral, perhaps))
    ]
    assert found.is_complete


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("main.tf", 'variable "\\u0061" {\n}\n'),
        ("main.tf", 'variable "a" "b" {\n}\n'),
        ("main.tf", "variable {\n}\n"),
        ("main.tf", 'variable "a" {\n'),
        ("main.tf.json", '{"variable": {"a": {}},}'),
        ("main.tf.json", "[" * 100_000),
    ],
)
def test_what_cannot_be_read_makes_the_answer_incomplete(name: str, source: str) -> None:
    assert not declared_variables({name: source}, "terraform").is_complete


def test_an_override_file_that_takes_ephemeral_back_counts() -> None:
    taken_back = 'variable "a" {\n  ephemeral = false\n}\n'

    found = declared_variables({"main.tf": EPHEMERAL, "a_override.tf": taken_back}, "terraform")

    assert (found.ephemeral, found.perhaps_ephemeral) == (frozenset(), frozenset({"a"}))


@pytest.mark.parametrize(
    ("engine", "files", "ephemeral"),
    [
        ("terraform", {"a.tf": EPHEMERAL, "a.tofu": ORDINARY}, {"a"}),
        ("terraform", {"a.tofu": EPHEMERAL}, set()),
        ("tofu", {"a.tofu": EPHEMERAL, "a.tf": 'variable "a" {\n  ephemeral = false\n}\n'}, {"a"}),
        ("tofu", {"a.tofu": ORDINARY, "a.tf": EPHEMERAL}, set()),
        ("tofu", {"a.tofu.json": '{"variable": {"a": {"ephemeral": true}}}'}, {"a"}),
        ("terraform", {".hidden.tf": EPHEMERAL}, set()),
        ("terraform", {"README.md": EPHEMERAL}, set()),
    ],
)
def test_only_the_files_that_the_engine_reads_count(
    engine: str, files: dict[str, str], ephemeral: set[str]
) -> None:
    assert declared_variables(files, engine).ephemeral == ephemeral


@given(st.text(max_size=300), st.sampled_from(["x.tf", "x.tf.json"]))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_any_text_is_read_without_an_error(source: str, name: str) -> None:
    declared_variables({name: source}, "terraform")


def test_differences_are_found_by_presence_and_value() -> None:
    plan = {"TF_VAR_same": "1", "TF_VAR_other": "1", "TF_VAR_planned": "", "AWS_ACCESS_KEY_ID": "reads"}
    apply = {"TF_VAR_same": "1", "TF_VAR_other": "2", "TF_VAR_applied": "3", "AWS_ACCESS_KEY_ID": "writes"}

    assert differences(plan, apply) == (
        Difference(name="applied", only="apply"),
        Difference(name="other", only=None),
        Difference(name="planned", only="plan"),
    )


@pytest.mark.parametrize(
    ("source", "only", "refused"),
    [
        (ORDINARY, None, True),
        (ORDINARY, "plan", True),
        (ORDINARY, "apply", True),
        (EPHEMERAL, None, False),
        (EPHEMERAL, "plan", True),
        (EPHEMERAL, "apply", True),
        ('variable "a" {\n  ephemeral = true && false\n}\n', None, True),
        ("", None, False),
        ("", "apply", False),
        ('variable "${b}" {\n}\n', "apply", True),
        (EPHEMERAL + 'variable "\\u0061" {\n  ephemeral = false\n}\n', None, True),
    ],
    ids=[
        "an ordinary one",
        "only for plans",
        "only for applies",
        "an ephemeral one",
        "an ephemeral one only for plans",
        "an ephemeral one only for applies",
        "perhaps an ephemeral one",
        "an undeclared one",
        "an undeclared one only for applies",
        "one that may be declared by a name that cannot be read",
        "an ephemeral one that may be overridden by a name that cannot be read",
    ],
)
def test_a_difference_is_refused_unless_it_has_no_effect(
    source: str, only: str | None, *, refused: bool
) -> None:
    found = (Difference(name="a", only=only),)  # type: ignore[arg-type]  # The ids name every case.

    assert bool(unlike(found, declared_variables({"main.tf": source}, "terraform"))) is refused


@pytest.mark.parametrize(
    ("engine", "version", "takes"),
    [
        ("terraform", "1.9.8", False),
        ("terraform", "1.10.0", True),
        ("terraform", "1.10.0-rc1", True),
        ("terraform", "1.11.4", True),
        ("terraform", "2.0.0", True),
        ("tofu", "1.10.6", False),
        ("tofu", "1.11.0", True),
        ("tofu", "1.12.6", True),
        ("terraform", "newest", False),
    ],
)
def test_engines_take_ephemeral_variables_from_a_version_on(
    engine: str, version: str, *, takes: bool
) -> None:
    assert takes_ephemeral(engine, version) is takes

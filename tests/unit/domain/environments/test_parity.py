from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.core.model import EnvName
from bot.domain.environments.parity import (
    Allowance,
    Difference,
    Side,
    Topic,
    Verdict,
    compare,
    overall,
    unused,
)
from tests.fakes.records.builders import stack

FACTS: Mapping[Topic, Mapping[str, str]] = {
    Topic.VARIABLES: {"var.nodes": "set"},
    Topic.ENGINE: {"engine": "terraform 1.11.4"},
    Topic.PROVIDERS: {"provider.hashicorp/null": "2.1.2"},
    Topic.MODULES: {"module.net": "./net"},
    Topic.RESOURCES: {"aws_instance": "2"},
}


def side(env: str, **changes: Any) -> Side:
    facts = {**FACTS, **changes.pop("facts", {})}
    unknown: Mapping[Topic, str] = changes.get("unknown", {})
    known = {topic: values for topic, values in facts.items() if topic not in unknown}
    return replace(Side(stack=stack(env), facts=known), **changes)


def allowance(difference: str, *envs: str) -> Allowance:
    names = frozenset(EnvName(env) for env in envs or ("staging", "prod"))
    return Allowance(environments=names, difference=difference, reason="cost")


STAGING, PROD = side("staging"), side("prod")


def test_twins_with_the_same_facts_are_the_same() -> None:
    twins = compare(STAGING, PROD)

    assert (twins.verdict, twins.differences, twins.label) == (Verdict.SAME, (), "staging ≈ prod")


@pytest.mark.parametrize(
    ("topic", "facts", "name", "values"),
    [
        pytest.param(Topic.VARIABLES, {}, "var.nodes", ("set", "not set"), id="variable not set"),
        pytest.param(
            Topic.VARIABLES,
            {"var.nodes": "set", "var.more": "set"},
            "var.more",
            ("not set", "set"),
            id="variable set only in the other",
        ),
        pytest.param(
            Topic.ENGINE,
            {"engine": "tofu 1.10.0"},
            "engine",
            ("terraform 1.11.4", "tofu 1.10.0"),
            id="another engine",
        ),
        pytest.param(
            Topic.PROVIDERS,
            {"provider.hashicorp/null": "3.0.0"},
            "provider.hashicorp/null",
            ("2.1.2", "3.0.0"),
            id="another version of a provider",
        ),
        pytest.param(Topic.MODULES, {}, "module.net", ("./net", "none"), id="a module less"),
        pytest.param(
            Topic.RESOURCES, {"aws_instance": "3"}, "aws_instance", ("2", "3"), id="more of a resource"
        ),
    ],
)
def test_each_topic_can_differ_and_can_be_allowed_by_name(
    topic: Topic, facts: Mapping[str, str], name: str, values: tuple[str, str]
) -> None:
    other = side("prod", facts={topic: facts})

    differs = compare(STAGING, other)
    allowed = compare(STAGING, other, [allowance(name)])

    assert differs.differences == (Difference(topic=topic, name=name, values=values),)
    assert differs.verdict is Verdict.DIFFERS
    assert [each.allowed for each in allowed.differences] == ["cost"]
    assert allowed.verdict is Verdict.SAME


@pytest.mark.parametrize(
    ("pattern", "envs", "covers"),
    [
        ("aws_instance", ("staging", "prod"), True),
        ("aws_*", ("prod", "staging", "test"), True),
        ("*", ("staging", "prod"), True),
        ("aws_instance", ("staging", "test"), False),
        ("AWS_INSTANCE", ("staging", "prod"), False),
        ("aws_instanc?", ("staging", "prod"), False),
        ("aws_[i]nstance", ("staging", "prod"), False),
        ("instance", ("staging", "prod"), False),
    ],
)
def test_allowance_covers_what_it_names_between_the_twins_it_names(
    pattern: str, envs: tuple[str, ...], *, covers: bool
) -> None:
    assert allowance(pattern, *envs).covers(EnvName("staging"), EnvName("prod"), "aws_instance") is covers


def test_side_without_facts_is_reported_and_compared_no_further() -> None:
    new = side("prod", unknown={Topic.RESOURCES: "prod was never applied"})

    twins = compare(STAGING, new)

    assert twins.unknown == {Topic.RESOURCES: "prod was never applied"}
    assert (twins.verdict, twins.differences) == (Verdict.NOT_COMPARABLE, ())


def test_a_difference_weighs_more_than_what_is_not_known() -> None:
    new = side("prod", facts={Topic.VARIABLES: {}}, unknown={Topic.RESOURCES: "prod was never applied"})

    assert compare(STAGING, new).verdict is Verdict.DIFFERS


def test_the_same_reason_on_both_sides_is_told_once() -> None:
    unknown = {Topic.PROVIDERS: "no lock file is committed"}

    assert compare(side("staging", unknown=unknown), side("prod", unknown=unknown)).unknown == unknown


def test_settings_of_the_server_prove_nothing_against_a_developers_machine() -> None:
    given = {Topic.VARIABLES: {"var.nodes": "set", "var.motto": "set"}}
    ci = side("ci", facts=given, only_given=frozenset({"var.motto"}))
    local, remote = side("dev", is_local=True), side("test")

    assert compare(ci, local).verdict is Verdict.SAME
    assert compare(local, ci).verdict is Verdict.SAME
    assert [each.name for each in compare(ci, remote).unmeant] == ["var.motto"]


@pytest.mark.parametrize(
    ("difference", "is_unused"),
    [("var.*", True), ("aws_*", False), ("provider.hashicorp/null", True), ("*", False), ("gcp_*", False)],
)
def test_allowance_needed_nowhere_is_told_unless_it_may_be_needed(
    difference: str, *, is_unused: bool
) -> None:
    new = side("prod", unknown={Topic.RESOURCES: "prod was never applied"})
    given = allowance(difference)

    assert unused([compare(STAGING, new, [given])], [given]) == ((given,) if is_unused else ())


def test_an_allowance_between_others_is_nobodys_here() -> None:
    assert unused([compare(STAGING, PROD)], [allowance("*", "ci", "test")]) == ()
    assert unused([], [allowance("*")]) == ()


def test_the_worst_verdict_counts() -> None:
    new = side("prod", unknown={Topic.RESOURCES: "prod was never applied"})
    bad = side("prod", facts={Topic.VARIABLES: {}})

    assert overall([]) is Verdict.SAME
    assert overall([compare(STAGING, PROD), compare(STAGING, new)]) is Verdict.NOT_COMPARABLE
    assert overall([compare(STAGING, new), compare(STAGING, bad)]) is Verdict.DIFFERS

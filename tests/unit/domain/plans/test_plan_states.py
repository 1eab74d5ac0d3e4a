from __future__ import annotations

import json
from typing import Any

import pytest

from bot.domain.plans.states import unknown_to_plan

STATE = json.dumps(
    {
        "resources": [
            {"mode": "managed", "type": "a", "name": "one", "instances": [{}]},
            {
                "mode": "managed",
                "type": "a",
                "name": "many",
                "instances": [{"index_key": 0}, {"index_key": "k"}],
            },
            {"module": 'module.m["x"]', "mode": "managed", "type": "b", "name": "in", "instances": [{}]},
            {"mode": "data", "type": "d", "name": "read", "instances": [{}]},
        ]
    }
).encode()
ONE: dict[str, Any] = {"type": "a", "name": "one"}
MANY: list[dict[str, Any]] = [
    {"type": "a", "name": "many", "index": 0},
    {"type": "a", "name": "many", "index": "k"},
]
INSIDE: dict[str, Any] = {"type": "b", "name": "in"}


def plan(*prior: dict[str, Any], **parts: Any) -> dict[str, Any]:
    child = {"address": 'module.m["x"]', "resources": [INSIDE]}
    module = {"resources": [*prior], "child_modules": [child]}
    return {"prior_state": {"values": {"root_module": module}}, **parts}


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(plan(ONE, *MANY), id="in the state that it was made with"),
        pytest.param(plan(*MANY, resource_changes=[ONE]), id="in a change"),
        pytest.param(plan(*MANY, resource_drift=[ONE]), id="gone outside of Terraform"),
    ],
)
def test_a_plan_that_knows_the_whole_state_passes(found: dict[str, Any]) -> None:
    assert unknown_to_plan(STATE, found) == ()


@pytest.mark.parametrize(
    ("found", "missing"),
    [
        (plan(*MANY), ("a.one",)),
        (plan(ONE, MANY[0]), ('a.many["k"]',)),
        (
            plan(ONE, *MANY) | {"prior_state": None},
            ("a.many[0]", 'a.many["k"]', "a.one", 'module.m["x"].b.in'),
        ),
        ({}, ("a.many[0]", 'a.many["k"]', "a.one", 'module.m["x"].b.in')),
    ],
    ids=["a resource", "an instance", "no state at all", "an empty plan"],
)
def test_an_object_that_a_plan_left_out_is_named(found: dict[str, Any], missing: tuple[str, ...]) -> None:
    assert unknown_to_plan(STATE, found) == tuple(sorted(missing))


@pytest.mark.parametrize("state", [None, b"", b"[", b"[]", b'{"resources": 3}'])
def test_where_there_is_no_state_nothing_is_missing(state: bytes | None) -> None:
    assert unknown_to_plan(state, {}) == ()

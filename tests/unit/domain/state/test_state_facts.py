from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.core.outcome import Outcome
from bot.domain.state.facts import Condition, StateFacts, state_facts

STATE = {
    "version": 4,
    "outputs": {
        "url": {"value": "http://x", "type": "string"},
        "token": {"value": "secret", "type": "string", "sensitive": True},
    },
    "check_results": [
        {
            "object_kind": "check",
            "config_addr": "check.capacity",
            "status": "fail",
            "objects": [
                {"object_addr": "check.capacity", "status": "fail", "failure_messages": ["Too few."]}
            ],
        },
        {"object_kind": "check", "config_addr": "check.words", "status": "unknown", "objects": None},
        {"object_kind": "resource", "config_addr": "terraform_data.x", "status": "fail", "objects": []},
    ],
}


def test_outputs_and_check_blocks_are_read() -> None:
    facts = state_facts(json.dumps(STATE).encode())

    assert facts == StateFacts(
        outputs={"url": "http://x", "token": "secret"},
        sensitive=frozenset({"token"}),
        conditions=(
            Condition(address="check.capacity", outcome=Outcome.FAIL, messages=("Too few.",)),
            Condition(address="check.words", outcome=Outcome.INCONCLUSIVE, messages=()),
        ),
    )
    assert "secret" not in repr(facts)


@pytest.mark.parametrize(
    "data", [None, b"", b"{", b"[]", b'"x"', b"{}", b'{"outputs": 3, "check_results": null}']
)
def test_what_is_no_state_says_nothing(data: bytes | None) -> None:
    assert state_facts(data) == StateFacts()


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["outputs", "value", "check_results", "object_kind", "status", "objects"]),
                inner,
            )
        ),
    )
)
def test_it_never_raises(value: object) -> None:
    state_facts(json.dumps(value).encode())

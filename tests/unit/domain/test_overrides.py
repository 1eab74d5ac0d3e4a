from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.gate_overrides import overridden
from bot.domain.gates import GateResult, Outcome
from bot.domain.model import EnvName, Login, ProjectName, RunId
from bot.domain.overrides import NEVER, Override
from bot.domain.refusals import Reason
from tests.fakes import builders

NOW = builders.NOON + timedelta(hours=2)
PLAN = builders.plan(created_at=builders.NOON)


def override(**changes: Any) -> Override:
    made = Override(
        repo="acme/infra",
        pull=7,
        project=ProjectName("default"),
        env=EnvName("staging"),
        gate="promoted",
        reason="the site is down.",
        asked_by=Login("owner"),
        asked_at=NOW,
        expires_at=NOW + timedelta(hours=1),
        confirmed_by=Login("owner2"),
        confirmed_at=NOW,
    )
    return replace(made, **changes)


def shut_gate(gate: str = "promoted") -> GateResult:
    return GateResult(gate=gate, outcome=Outcome.FAIL, sentence="Shut.", reason=Reason.GATE)


def test_a_confirmed_override_opens_its_gate_and_says_who_and_why() -> None:
    result = overridden(shut_gate(), [override()])

    assert result.outcome is Outcome.PASS
    assert result.sentence == "Opened once by owner and owner2: the site is down."


@pytest.mark.parametrize("gate", sorted(NEVER))
def test_some_gates_are_never_opened(gate: str) -> None:
    assert overridden(shut_gate(gate), [override(gate=gate)]) == shut_gate(gate)


def test_another_gate_stays_shut() -> None:
    assert overridden(shut_gate("drift"), [override()]) == shut_gate("drift")


@pytest.mark.parametrize(
    ("changes", "opens"),
    [
        ({}, True),
        ({"confirmed_by": None, "confirmed_at": None}, False),
        ({"expires_at": NOW}, False),
        ({"used_run": RunId("r1")}, False),
        ({"asked_at": builders.NOON - timedelta(seconds=1)}, False),
        ({"env": EnvName("prod")}, False),
        ({"project": ProjectName("network")}, False),
        ({"pull": 8}, False),
        ({"repo": "acme/other"}, False),
    ],
    ids=[
        "confirmed",
        "asked for only",
        "expired",
        "used",
        "asked for before the plan was made",
        "another environment",
        "another project",
        "another pull request",
        "another repository",
    ],
)
def test_when_an_override_opens(changes: dict[str, Any], opens: bool) -> None:  # noqa: FBT001 - a table
    assert override(**changes).opens_for(PLAN, NOW) is opens

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.core.accounts import Account
from bot.domain.core.model import EnvName, ProjectName, RunId
from bot.domain.core.refusals import Reason
from bot.domain.gates import GateResult, Outcome
from bot.domain.gates.overrides import NEVER, Override, overridden
from tests.fakes.accounts import account, unnumbered
from tests.fakes.records import builders

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
        asked_by=account("owner"),
        asked_at=NOW,
        expires_at=NOW + timedelta(hours=1),
        confirmed_by=account("owner2"),
        confirmed_at=NOW,
    )
    return replace(made, **changes)


def shut_gate(gate: str = "promoted") -> GateResult:
    return GateResult(gate=gate, outcome=Outcome.FAIL, sentence="Shut.", reason=Reason.GATE)


def test_confirmed_override_opens_its_gate_and_says_who_and_why() -> None:
    result = overridden(shut_gate(), [override()])

    assert result.outcome is Outcome.PASS
    assert result.sentence == "Opened once by owner and owner2: the site is down."


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (account("owner"), account("owner-renamed", account("owner").id)),
        (unnumbered("owner"), account("owner2")),
        (account("owner"), unnumbered("owner2")),
        (unnumbered("owner"), unnumbered("owner2")),
    ],
    ids=["one owner, renamed", "the first without id", "the second without id", "both without id"],
)
def test_an_override_counts_only_of_two_certain_accounts(first: Account, second: Account) -> None:
    assert not override(asked_by=first, confirmed_by=second).opens_for(PLAN, NOW)


def test_a_request_without_id_cannot_be_confirmed() -> None:
    trigger = override(confirmed_by=None, confirmed_at=None)

    assert trigger.waits(NOW)
    assert not replace(trigger, asked_by=unnumbered("owner")).waits(NOW)


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

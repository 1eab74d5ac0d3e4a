"""What follows from a gate's record, shown with a gate that is only in this table."""

from __future__ import annotations

from typing import Annotated, Any, Final

import pytest
from pydantic import TypeAdapter, ValidationError

from bot.domain.core.model import PlanId, StateIdentity
from bot.domain.core.refusals import Reason
from bot.domain.gates import (
    GATES,
    Facts,
    Gate,
    GateResult,
    Outcome,
    When,
    judge,
    names,
    overridable,
    policy_names,
    shut,
    waived,
)
from bot.domain.gates.table import RESERVED
from bot.policy.gates import OneOf
from tests.docs import policy_pages
from tests.fakes.records import builders

_CLOSES: Final = 17


def office_hours(facts: Facts) -> GateResult:
    if facts.now.hour >= _CLOSES:
        return OFFICE_HOURS.failed("The office is closed.", "wait until tomorrow")
    return OFFICE_HOURS.passed("The office is open.")


OFFICE_HOURS: Final = Gate(
    name="office_hours",
    judge=office_hours,
    when=When.NAMED,
    can_be_overridden=True,
    reasons=(Reason.NOT_YET,),
    open_when="it is before five",
    opened_by="the next morning",
)
TABLE: Final = (*GATES, OFFICE_HOURS)


def facts(*, hour: int, **changes: Any) -> Facts:
    plan = builders.plan(reverts_to=changes.pop("reverts_to", None))
    return Facts(
        plan=plan,
        pull=builders.pull(),
        now=builders.NOON.replace(hour=hour),
        state=StateIdentity(serial=4, lineage=plan.state_lineage, sha256="1" * 64),
        engine="terraform 1.11.4",
        lock=None,
        actor_may_apply=True,
        needed_permission="write access",
        policy_digest=plan.policy_digest,
        stack=plan.stack,
        **{"required_gates": ("office_hours",), **changes},
    )


@pytest.mark.parametrize(
    ("hour", "outcome", "reason"), [(16, Outcome.PASS, None), (17, Outcome.FAIL, Reason.NOT_YET)]
)
def test_a_gate_is_judged_last_where_named(hour: int, outcome: Outcome, reason: Reason | None) -> None:
    result = judge(facts(hour=hour), TABLE)[-1]

    assert (result.gate, result.outcome, result.reason) == ("office_hours", outcome, reason)


def test_a_gate_is_not_judged_where_not_named() -> None:
    assert "office_hours" not in {result.gate for result in judge(facts(hour=17, required_gates=()), TABLE)}


def test_a_gate_without_record_stays_shut() -> None:
    [result] = [result for result in judge(facts(hour=16)) if result.gate == "office_hours"]

    assert (result.outcome, result.reason) == (Outcome.ERROR, Reason.GATE)


def test_a_revert_waives_a_gate_without_a_judge_for_it() -> None:
    revert = facts(hour=17, reverts_to=PlanId("p2222222"))

    assert "office_hours" not in {result.gate for result in shut(judge(revert, TABLE))}
    assert waived(revert, TABLE) == ("head", "office_hours")


def test_the_policy_takes_its_names_from_the_table() -> None:
    accepted = TypeAdapter[str](Annotated[str, OneOf(policy_names(TABLE))])

    assert accepted.validate_python("office_hours") == "office_hours"
    assert accepted.json_schema() == {"type": "string", "enum": [*names(), "office_hours", *RESERVED]}
    with pytest.raises(ValidationError, match=r"Input should be 'config', .*'office_hours'"):
        accepted.validate_python("lunch")


def test_overrides_take_their_gates_from_the_table() -> None:
    assert overridable(TABLE) == (*overridable(), "office_hours")


def test_the_documentation_has_a_row_for_each_record() -> None:
    rows = policy_pages.gates(TABLE).splitlines()

    assert rows[-1] == (
        "| `office_hours` | where named | it is before five | the next morning | no | yes | `not_yet` |"
    )
    assert len(rows) == len(TABLE) + 2


def test_names_are_unique_and_not_reserved() -> None:
    assert len({*policy_names()}) == len(GATES) + len(RESERVED)


@pytest.mark.parametrize("gate", GATES, ids=names())
def test_a_record_is_written_for_its_table(gate: Gate) -> None:
    for said in (gate.open_when, gate.opened_by):
        assert said
        assert not said.endswith(".")

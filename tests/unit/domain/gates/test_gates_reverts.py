"""What is asked of a revert, and what is not: waiting for it would keep what is broken in place."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.core.model import PlanId, PlanStatus, Sha, StateIdentity
from bot.domain.core.refusals import Reason
from bot.domain.gates import GATES, Facts, RiskLimits, When, judge, shut, waived
from bot.domain.gates.freezes import HoldCause
from bot.domain.plans.plan import RiskLevel
from tests.fakes.records import builders
from tests.unit.domain.gates.plan_facts import LINEAGE
from tests.unit.domain.gates.plan_facts import facts as facts_of_a_plan

EVERY = tuple(gate.name for gate in GATES if gate.when is not When.ALWAYS)


def facts(**changes: Any) -> Facts:
    """Return the facts about a revert of prod's kind, asked for by one of its owners."""
    values = {
        "plan": builders.plan(reverts_to=PlanId("p2222222"), head_sha=Sha("9" * 40)),
        "pull": builders.pull(state="closed", merged=True),
        "required_gates": EVERY,
        "risk": RiskLimits(max_level=RiskLevel.HIGH, allow_stateful_destroy=True),
        "answers_for_it": True,
        **changes,
    }
    return facts_of_a_plan(**values)


def test_owner_applies_a_revert_on_a_closed_pull_request() -> None:
    held = facts(holds=[builders.hold()], closed_reason="quarter's end")

    assert shut(judge(held)) == ()
    names = waived(held)
    assert names[:-1] == ("head", "undiverged", "checks", "promoted", "drift")
    assert names[-1].startswith("hold: staging is on hold: the database is being moved")


@pytest.mark.parametrize(
    ("changes", "gate", "reason"),
    [
        pytest.param(
            {"answers_for_it": False}, "codeowners", Reason.CODEOWNERS, id="neither owner nor on call"
        ),
        pytest.param(
            {"unreadable": {"codeowners": "GitHub does not answer"}},
            "codeowners",
            Reason.CODEOWNERS,
            id="nobody knows who owns it",
        ),
        pytest.param({"actor_may_apply": False}, "permission", Reason.PERMISSION, id="no right to apply"),
        pytest.param(
            {"state": StateIdentity(serial=9, lineage=LINEAGE, sha256="1" * 64)},
            "state",
            Reason.STATE_MOVED,
            id="the state moved",
        ),
        pytest.param({"lock": builders.lock(pull=8)}, "lock", Reason.LOCKED, id="held by another"),
        pytest.param({"engine": "terraform 1.12.0"}, "engine", Reason.ENGINE_CHANGED, id="another engine"),
        pytest.param({"policy_digest": "0" * 64}, "config", Reason.CONFIG, id="another policy"),
        pytest.param(
            {"holds": [builders.hold(cause=HoldCause.STOP)]},
            "hold",
            Reason.HOLD,
            id="stopped by the operator",
        ),
        pytest.param(
            {"plan": builders.plan(reverts_to=PlanId("p2222222"), status=PlanStatus.STALE)},
            "plan_fresh",
            Reason.PLAN_STALE,
            id="stale",
        ),
    ],
)
def test_what_still_shuts_a_revert(changes: dict[str, Any], gate: str, reason: Reason) -> None:
    closed = shut(judge(facts(**changes)))

    assert [(each.gate, each.reason) for each in closed] == [(gate, reason)]
    assert closed[0].opens_with


def test_what_makes_it_anew_is_revert_to_the_same_release() -> None:
    [stale] = shut(judge(facts(plan=builders.plan(reverts_to=PlanId("p2222222"), status=PlanStatus.STALE))))

    assert stale.opens_with == "/revert staging to p2222222"


def test_where_no_owners_are_asked_for_whoever_may_apply_reverts() -> None:
    assert shut(judge(facts(required_gates=(), answers_for_it=False))) == ()


def test_a_revert_of_an_ordinary_plan_waives_nothing() -> None:
    assert waived(facts_of_a_plan(required_gates=EVERY, holds=[builders.hold()])) == ()

"""Every gate with every outcome that it can have: one row per fact that decides."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest

from bot.domain.core.model import ProjectName, StateKey
from bot.domain.core.refusals import Reason
from bot.domain.gates import (
    GATES,
    Divergence,
    GateResult,
    OtherCheck,
    Outcome,
    RiskLimits,
    judge,
    names,
    shut,
)
from bot.domain.gates.facts import MISSING, ONLY_BY_OTHERS
from bot.domain.plans.plan import Risk, RiskLevel
from bot.domain.releases.release import CheckResult
from tests.fakes.records import builders
from tests.fakes.records.builders import NOON
from tests.unit.domain.gates.promotion_facts import (
    GREEN,
    NAMED,
    NOW,
    PROD,
    PROMOTION,
    RELEASE,
    STAGING,
    VERIFIED,
    facts,
)

FAILED: Final = replace(
    VERIFIED,
    outcome=Outcome.FAIL,
    checks=(CheckResult(name="front page", type="http", outcome=Outcome.FAIL, sentence="500 came."),),
)
HOLD: Final = builders.hold(env="prod")

TRIED_ELSEWHERE: Final = {"head", "plan_fresh", "state", "engine", "permission", "lock", "codeowners"}
"""Gates whose outcomes are tried in `test_gates.py`, `test_codeowners.py` and `test_approvals.py`."""


def risky(level: RiskLevel, *stateful: str) -> Any:
    found = Risk(level=level, score=50, reasons=("replaces a server",), stateful=stateful)
    return replace(PROD, summary=builders.summary(risk=found))


def promotion(**changes: Any) -> dict[str, Any]:
    return {"promotion": replace(PROMOTION, **changes)}


def fetched_otherwise(**changes: Any) -> dict[str, Any]:
    return promotion(release=None, verification=None, fetched_otherwise=replace(RELEASE, **changes))


def verification(**changes: Any) -> dict[str, Any]:
    return promotion(verification=replace(VERIFIED, **changes))


def diverged(**changes: Any) -> dict[str, Any]:
    return {"divergence": replace(facts().divergence or Divergence(**changes), **changes)}


def unreadable(gate: str, **changes: Any) -> dict[str, Any]:
    return {"unreadable": {gate: "GitHub is away"}, **changes}


OPEN: Final[dict[str, tuple[str, dict[str, Any], str]]] = {
    "same policy": ("config", {}, "The policy is the one under which this was planned."),
    "base changes nothing": (
        "undiverged",
        {},
        "No changes to this stack on the base (7777777) since the plan.",
    ),
    "a green check": ("checks", {}, "Passed: ci/tests."),
    "no other check": ("checks", {"checks": ()}, "No other check is required."),
    "verified and soaked": ("promoted", {}, "Verified in staging as plan pstaging at 2026-03-04 13:00 UTC."),
    "soaked to the second": (
        "promoted",
        promotion(soak=timedelta(hours=2)) | {"now": NOON + timedelta(hours=3)},
        "Verified in staging as plan pstaging at 2026-03-04 13:00 UTC.",
    ),
    "verified again, soaking since the first time": (
        "promoted",
        promotion(verification=replace(VERIFIED, verified_at=NOW), verified_since=VERIFIED.verified_at),
        "Verified in staging as plan pstaging at 2026-03-04 15:00 UTC.",
    ),
    "planned after a restore": (
        "hold",
        {"passed_holds": (HOLD,)},
        "prod is on hold: the database is being moved. This plan was made after that: it may pass, and its apply lifts the hold.",
    ),
    "planned in part after a restore": (
        "hold",
        {
            "passed_holds": (HOLD,),
            "plan": replace(PROD, arguments=("-target=a.b",)),
            "required_gates": (),
        },
        "prod is on hold: the database is being moved. This plan was made after that: it may pass, and the hold stays.",
    ),
    "applied without code owners to ask": ("hold", {}, "No hold."),
    "at the limit of risk": ("risk", {"plan": risky(RiskLevel.MEDIUM)}, "The risk is medium."),
    "data may go": (
        "risk",
        {
            "plan": risky(RiskLevel.HIGH, "aws_db.main"),
            "risk": RiskLimits(max_level=RiskLevel.HIGH, allow_stateful_destroy=True),
        },
        "The risk is high.",
    ),
    "nobody watches": ("drift", {}, "No drift check has run yet."),
    "nothing changed outside": (
        "drift",
        {"drift": ()},
        "Nothing was changed outside Terraform, or this plan shows it.",
    ),
}


@pytest.mark.parametrize(("gate", "changes", "sentence"), OPEN.values(), ids=OPEN.keys())
def test_an_open_gate_says_why(gate: str, changes: dict[str, Any], sentence: str) -> None:
    results = judge(facts(**changes))

    assert shut(results) == ()
    assert {result.gate: result.sentence for result in results}[gate] == sentence


FAIL, WAIT, ERROR = Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.ERROR
SHUT: Final[dict[str, tuple[dict[str, Any], str, Outcome, Reason, str, str]]] = {
    "policy changed": (
        {"policy_digest": "8" * 64, "promotion": replace(PROMOTION, verification=replace(VERIFIED, policy_digest="8" * 64))},
        "config", FAIL, Reason.CONFIG, "has changed since this was planned", "/plan prod",
    ),
    "stack gone": ({"stack": None}, "config", FAIL, Reason.CONFIG, "no stack prod any more", "a policy with"),
    "state key changed": (
        {"stack": replace(PROD.stack, state_key=StateKey("elsewhere"))},
        "config", FAIL, Reason.CONFIG, "state key of prod was `prod/terraform.tfstate` when", "/plan prod",
    ),
    "directory changed": (
        {"stack": replace(PROD.stack, directory="infra")},
        "config", FAIL, Reason.CONFIG, "directory of prod was `terraform`", "/plan prod",
    ),
    "var file changed": (
        {"stack": replace(PROD.stack, var_file=None)},
        "config", FAIL, Reason.CONFIG, "var file of prod was `envs/prod.tfvars`", "/plan prod",
    ),
    "base changed the module": (
        diverged(inputs_digest="0" * 64),
        "undiverged", FAIL, Reason.UNDIVERGED, "moved to 7777777, which changes what the stack is made of.", "/plan prod",
    ),
    "base changed the var file": (
        diverged(var_file_digest=None),
        "undiverged", FAIL, Reason.UNDIVERGED, "changes `envs/prod.tfvars`.", "/plan prod",
    ),
    "base conflicts": (
        diverged(inputs_digest=None),
        "undiverged", FAIL, Reason.UNDIVERGED, "does not merge into the base's tip", "a push",
    ),
    "base unreadable": (
        unreadable("undiverged", divergence=None),
        "undiverged", ERROR, Reason.UNDIVERGED, "could not be read: GitHub is away.", "the same command again",
    ),
    "check failed": (
        {"checks": (GREEN, OtherCheck(name="lint", outcome=FAIL, state="timed_out"))},
        "checks", FAIL, Reason.CHECKS, "Not passed: lint (timed out).", "a push that mends it",
    ),
    "check pending": (
        {"checks": (GREEN, OtherCheck(name="lint", outcome=WAIT, state="in_progress"))},
        "checks", WAIT, Reason.CHECKS, "Not ended yet: lint (in progress).", "wait for it",
    ),
    "required check never reported": (
        {"checks": (GREEN, OtherCheck(name="scan", outcome=WAIT, state=MISSING))},
        "checks", WAIT, Reason.CHECKS, "Required by the base branch, and not reported: scan (missing).", "wait for it",
    ),
    "required check reported by somebody else": (
        {"checks": (OtherCheck(name="scan", outcome=WAIT, state=ONLY_BY_OTHERS),)},
        "checks", WAIT, Reason.CHECKS, "not reported: scan (only by others).", "wait for it",
    ),
    "one check pending, one never reported": (
        {"checks": (
            OtherCheck(name="scan", outcome=WAIT, state=MISSING), OtherCheck(name="lint", outcome=WAIT, state="queued"),
        )},
        "checks", WAIT, Reason.CHECKS,
        "Not ended yet: lint (queued). Required by the base branch, and not reported: scan (missing).", "wait for it",
    ),
    "one check failed, one never reported": (
        {"checks": (
            OtherCheck(name="scan", outcome=WAIT, state=MISSING), OtherCheck(name="lint", outcome=FAIL, state="failure"),
        )},
        "checks", FAIL, Reason.CHECKS, "Not passed: lint (failure).", "a push that mends it",
    ),
    "checks unreadable": (
        unreadable("checks", checks=None),
        "checks", ERROR, Reason.CHECKS, "could not be read: GitHub is away.", "the same command again",
    ),
    "never in staging": (
        promotion(release=None, verification=None),
        "promoted", FAIL, Reason.PROMOTED, "was not applied to staging; there is the one of commit aaaaaaa", "/apply staging",
    ),
    "nothing in staging": (
        promotion(release=None, newest=None, verification=None),
        "promoted", FAIL, Reason.PROMOTED, "(commit aaaaaaa) was not applied to staging.", "/apply staging",
    ),
    "not verified": (
        promotion(verification=None),
        "promoted", FAIL, Reason.PROMOTED, "was not verified there", "/smoke staging",
    ),
    "smoke failed": (
        promotion(verification=FAILED),
        "promoted", FAIL, Reason.PROMOTED, "ended with FAIL (front page: 500 came).", "/smoke staging",
    ),
    "smoke could not be judged": (
        verification(outcome=ERROR, checks=()),
        "promoted", FAIL, Reason.PROMOTED, "ended with ERROR.", "/smoke staging",
    ),
    "revoked by a failed smoke": (
        verification(revoked_at=NOW, revoked_why="its checks failed later"),
        "promoted", FAIL, Reason.PROMOTED, "is no longer valid: its checks failed later.", "/smoke staging",
    ),
    "revoked by a later apply": (
        verification(revoked_at=NOW, revoked_why="plan pother was applied") | {"now": NOW},
        "promoted", FAIL, Reason.PROMOTED, "plan pother was applied", "/smoke staging",
    ),
    "staging's state moved": (
        promotion(state=replace(STAGING, serial=10)),
        "promoted", FAIL, Reason.PROMOTED, "at serial 9 when it was verified and is now at 10.", "/plan staging",
    ),
    "staging's state is another": (
        promotion(state=replace(STAGING, lineage="other")),
        "promoted", FAIL, Reason.PROMOTED, "The state of staging", "/plan staging",
    ),
    "verified under another policy": (
        verification(policy_digest="0" * 64),
        "promoted", FAIL, Reason.PROMOTED, "The policy has changed since staging was verified.", "/smoke staging",
    ),
    "still soaking": (
        {"now": NOW - timedelta(seconds=1)},
        "promoted", WAIT, Reason.PROMOTED, "soaks until 2026-03-04 15:00 UTC.", "wait until then",
    ),
    "targeted plan": (
        {"plan": replace(PROD, arguments=("-target=terraform_data.web",))},
        "promoted", FAIL, Reason.PROMOTED, "not the whole release", "/plan prod",
    ),
    "plan without refresh": (
        {"plan": replace(PROD, arguments=("-refresh=false",))},
        "promoted", FAIL, Reason.PROMOTED, "`-refresh=false`", "/plan prod",
    ),
    "fetched otherwise in staging": (
        fetched_otherwise(fetched_digest=f"1:{'0' * 64}"),
        "promoted", FAIL, Reason.PROMOTED, "fetched differ from those of staging (plan pstaging).", "/plan staging",
    ),
    "fetched otherwise from a branch": (
        fetched_otherwise(fetched_digest=f"1:{'0' * 64}")
        | {"plan": replace(PROD, summary=builders.summary(moving_sources=("module.net: net.git?ref=main",)))},
        "promoted", FAIL, Reason.PROMOTED, "These can move until they are pinned: module.net: net.git?ref=main.", "/plan staging",
    ),
    "another engine in staging": (
        fetched_otherwise(fetched_digest=f"1:{'0' * 64}", engine="terraform 1.11.3"),
        "promoted", FAIL, Reason.PROMOTED, "has this release as terraform 1.11.3 made it (plan pstaging)", "/plan staging",
    ),
    "staging recorded by an older version": (
        fetched_otherwise(fetched_digest=None),
        "promoted", FAIL, Reason.PROMOTED, "`/plan staging` without changes verifies it again.", "/plan staging",
    ),
    "staging recorded in another way": (
        fetched_otherwise(fetched_digest=f"0:{'0' * 64}"),
        "promoted", FAIL, Reason.PROMOTED, "`/plan staging` without changes verifies it again.", "/plan staging",
    ),
    "plan recorded by an older version": (
        {"plan": replace(PROD, fetched_digest=None)},
        "promoted", FAIL, Reason.PROMOTED, "without the modules and providers that were fetched for it.", "/plan prod",
    ),
    "releases unreadable": (
        unreadable("promoted", promotion=None),
        "promoted", ERROR, Reason.PROMOTED, "could not be read: GitHub is away.", "the same command again",
    ),
    "held by a person": (
        {"holds": (HOLD,)},
        "hold", FAIL, Reason.HOLD, "prod is on hold: the database is being moved (by owner, since 2026-03-04 12:00 UTC).", "/unhold prod",
    ),
    "held twice": (
        {"holds": (HOLD, HOLD), "closed_reason": "Friday"},
        "hold", FAIL, Reason.HOLD, ", and 1 more.", "/unhold prod",
    ),
    "holds unreadable": (
        unreadable("hold"), "hold", ERROR, Reason.HOLD, "could not be read: GitHub is away.", "the same command again",
    ),
    "too risky": (
        {"plan": risky(RiskLevel.HIGH)},
        "risk", FAIL, Reason.RISK, "The risk is high (replaces a server), and the policy lets medium through.", "a plan that",
    ),
    "data would go": (
        {"plan": risky(RiskLevel.MEDIUM, "aws_db.main")},
        "risk", FAIL, Reason.RISK, "what holds data: `aws_db.main`.", "a plan that destroys less",
    ),
    "risk limits unreadable": (
        unreadable("risk", risk=None), "risk", ERROR, Reason.RISK, "could not be read", "the same command again",
    ),
    "drifted": (
        {"drift": ("a", "b", "c", "d", "e", "f")},
        "drift", FAIL, Reason.DRIFT, "`e` and 1 more; this plan does not show it.", "/plan prod",
    ),
    "drift unreadable": (
        unreadable("drift"), "drift", ERROR, Reason.DRIFT, "could not be read: GitHub is away.", "the same command again",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "gate", "outcome", "reason", "says", "opens"), SHUT.values(), ids=SHUT.keys()
)
def test_one_wrong_fact_shuts_one_gate_and_names_its_opener(
    *, changes: dict[str, Any], gate: str, outcome: Outcome, reason: Reason, says: str, opens: str
) -> None:
    [closed] = shut(judge(facts(**changes)))

    assert (closed.gate, closed.outcome, closed.reason) == (gate, outcome, reason)
    assert reason in {each.name: each for each in GATES}[gate].reasons
    assert says in closed.sentence
    assert (closed.opens_with or "").startswith(opens)


def test_every_gate_is_tried_shut_and_tried_open() -> None:
    assert {row[1] for row in SHUT.values()} | TRIED_ELSEWHERE == set(names())
    assert {row[0] for row in OPEN.values()} | TRIED_ELSEWHERE == set(names())


def test_gates_that_only_some_policies_name_are_judged_nowhere_else() -> None:
    results = judge(facts(required_gates=(), checks=None, promotion=None, divergence=None))

    assert shut(results) == ()
    assert {result.gate for result in results}.isdisjoint(NAMED)


def test_a_project_is_named_in_what_opens_its_gates() -> None:
    stack = replace(PROD.stack, project=ProjectName("network"))

    closed: tuple[GateResult, ...] = shut(
        judge(facts(plan=replace(PROD, stack=stack), stack=replace(stack, state_key=StateKey("other"))))
    )

    assert [gate.opens_with for gate in closed] == ["/plan prod -p network"]

"""Facts of a promotion whose gates are all open."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from bot.domain.core.model import EnvName, PlanId, RunId, Sha, StateIdentity
from bot.domain.gates import (
    GATES,
    Divergence,
    Facts,
    OtherCheck,
    Outcome,
    Promotion,
    RiskLimits,
    When,
)
from bot.domain.plans.plan import RiskLevel
from bot.domain.releases.release import CheckResult, Release, Verification
from tests.fakes.accounts import account
from tests.fakes.records import builders
from tests.fakes.records.builders import NOON

NAMED: Final = tuple(
    gate.name for gate in GATES if gate.when is not When.ALWAYS and gate.name != "codeowners"
)
"""Every gate that a policy can name, but that about approvals, which has its own tests."""
TIP: Final = Sha("7" * 40)
STAGING: Final = StateIdentity(serial=9, lineage="staging", sha256="2" * 64)
NOW: Final = NOON + timedelta(hours=3)
PROD: Final = builders.plan(stack=builders.stack("prod"))
RELEASE: Final = Release(
    plan_id=PlanId("pstaging"),
    run_id=RunId("rstaging00000000"),
    stack=builders.stack("staging"),
    pull=7,
    head_sha=builders.HEAD,
    base_sha=builders.BASE,
    merge_tree="d" * 40,
    inputs_digest=PROD.inputs_digest,
    fetched_digest=PROD.fetched_digest,
    var_file_digest="1" * 40,
    change_digest="c" * 64,
    plan_sha256="0" * 64,
    policy_digest=PROD.policy_digest,
    engine="terraform 1.11.4",
    arguments=(),
    changed=True,
    source_digest="5" * 64,
    source_key="sources/5",
    state_serial=9,
    state_lineage="staging",
    outputs={},
    actor=account("dev"),
    approvers=(),
    recorded_at=NOON,
)
VERIFIED: Final = Verification(
    run_id=RunId("rverify000000000"),
    release=RELEASE.plan_id,
    stack=RELEASE.stack,
    outcome=Outcome.PASS,
    checks=(CheckResult(name="front page", type="http", outcome=Outcome.PASS, sentence="200."),),
    inputs_digest=PROD.inputs_digest,
    change_digest="c" * 64,
    state_serial=9,
    state_lineage="staging",
    policy_digest=PROD.policy_digest,
    actor=account("dev"),
    verified_at=NOON + timedelta(hours=1),
)
PROMOTION: Final = Promotion(
    source=EnvName("staging"),
    smoke_command="/smoke staging",
    plan_command="/plan staging",
    release=RELEASE,
    newest=RELEASE,
    verification=VERIFIED,
    verified_since=VERIFIED.verified_at,
    state=STAGING,
    soak=timedelta(hours=2),
)
GREEN: Final = OtherCheck(name="ci/tests", outcome=Outcome.PASS, state="success")


def facts(**changes: Any) -> Facts:
    """Return facts with which every gate is open, prod's further ones too."""
    made = Facts(
        plan=PROD,
        pull=builders.pull(),
        now=NOW,
        state=StateIdentity(serial=4, lineage=PROD.state_lineage, sha256="1" * 64),
        engine="terraform 1.11.4",
        lock=None,
        actor_may_apply=True,
        needed_permission="write access",
        policy_digest=PROD.policy_digest,
        stack=PROD.stack,
        required_gates=NAMED,
        divergence=Divergence(
            base=TIP, inputs_digest=PROD.inputs_digest, var_file_digest=PROD.var_file_digest
        ),
        checks=(GREEN,),
        risk=RiskLimits(max_level=RiskLevel.MEDIUM, allow_stateful_destroy=False),
        promotion=PROMOTION,
    )
    return replace(made, **changes)

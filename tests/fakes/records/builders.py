"""Values with sensible contents, so that a test names only what it is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.core.model import (
    EnvName,
    PlanId,
    PlanStatus,
    ProjectName,
    PullRequest,
    Run,
    RunId,
    RunKind,
    RunStatus,
    Sha,
    Stack,
    StateKey,
)
from bot.domain.gates.freezes import Hold, HoldCause
from bot.domain.plans.plan import Counts, Lock, PlanRecord, PlanSummary, Risk, RiskLevel
from tests.fakes.accounts import account

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
HEAD = Sha("a" * 40)
BASE = Sha("b" * 40)


def stack(env: str = "staging", **changes: Any) -> Stack:
    made = Stack(
        repo="acme/infra",
        project=ProjectName("default"),
        env=EnvName(env),
        state_key=StateKey(f"{env}/terraform.tfstate"),
        directory="terraform",
        var_file=f"envs/{env}.tfvars",
    )
    return replace(made, **changes)


def pull(**changes: Any) -> PullRequest:
    made = PullRequest(
        number=7,
        title="Change the greeting",
        author=account("dev"),
        state="open",
        merged=False,
        draft=False,
        head_sha=HEAD,
        head_ref="change",
        head_repo="acme/infra",
        base_ref="main",
        base_sha=BASE,
        is_fork=False,
    )
    return replace(made, **changes)


def summary(**changes: Any) -> PlanSummary:
    made = PlanSummary(
        terraform_version="1.11.4",
        counts=Counts(add=1),
        resources=(),
        outputs=(),
        drift=(),
        warnings=(),
        failed_checks=(),
        risk=Risk(level=RiskLevel.LOW, score=5),
        change_digest="c" * 64,
        has_changes=True,
        text="Plan: 1 to add, 0 to change, 0 to destroy.",
    )
    return replace(made, **changes)


def plan(**changes: Any) -> PlanRecord:
    made = PlanRecord(
        id=PlanId("pabcdefg"),
        run_id=RunId("r123456789abcdef"),
        stack=stack(),
        pull=7,
        head_sha=HEAD,
        base_sha=BASE,
        merge_tree="d" * 40,
        inputs_digest="e" * 64,
        fetched_digest=f"1:{'b' * 64}",
        var_file_digest="f" * 40,
        change_digest="c" * 64,
        plan_sha256="0" * 64,
        engine="terraform 1.11.4",
        arguments=(),
        state_serial=4,
        state_lineage="11111111-2222-3333-4444-555555555555",
        policy_digest="9" * 64,
        slot="acme--infra--default--staging/0",
        bundle_key="plans/acme/infra/pabcdefg",
        log_key=None,
        has_changes=True,
        status=PlanStatus.PLANNED,
        status_reason=None,
        summary=summary(),
        created_by=account("dev"),
        created_at=NOON,
        posted_at=NOON + timedelta(seconds=5),
        expires_at=NOON + timedelta(days=7),
    )
    return replace(made, **changes)


def lock(**changes: Any) -> Lock:
    made = Lock(
        stack=stack(),
        pull=7,
        holder=account("dev"),
        run_id=RunId("r123456789abcdef"),
        since=NOON,
        reason="plan pabcdefg is being applied or was applied",
    )
    return replace(made, **changes)


def run(**changes: Any) -> Run:
    made = Run(
        id=RunId("r123456789abcdef"),
        kind=RunKind.APPLY,
        status=RunStatus.SUCCEEDED,
        stack=stack(),
        installation_id=1,
        pull=7,
        head_sha=HEAD,
        base_sha=BASE,
        actor=account("dev"),
        comment_id=None,
        plan_id=PlanId("pabcdefg"),
        arguments=(),
        policy_digest=None,
        correlation_id="delivery",
        failure_class=None,
        summary="Applied.",
        detail={},
        cancel_requested_by=None,
        intent_at=NOON,
        created_at=NOON,
        started_at=NOON,
        finished_at=NOON + timedelta(seconds=9),
    )
    return replace(made, **changes)


def hold(**changes: Any) -> Hold:
    made = Hold(
        repo="acme/infra",
        env=EnvName("staging"),
        cause=HoldCause.COMMAND,
        reason="the database is being moved",
        by=account("owner"),
        since=NOON,
        pull=7,
    )
    return replace(made, **changes)

"""Values for the tests of the records, every field filled with something of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.core.model import (
    DeliveryId,
    EnvName,
    PlanId,
    PlanStatus,
    ProjectName,
    RunId,
    RunKind,
    Sha,
    Stack,
    StateIdentity,
    StateKey,
)
from bot.domain.plans.plan import (
    Action,
    Counts,
    Lock,
    OutputChange,
    PlanRecord,
    PlanSummary,
    ResourceChange,
    Risk,
    RiskLevel,
)
from bot.domain.state.restore import Restore
from bot.ports import Artifact, Delivery, Job, NewRun, StateVersion
from tests.fakes.accounts import account

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
REPO = "acme/infra"
HEAD = Sha("a" * 40)
BASE = Sha("b" * 40)
STAGING = Stack(
    repo=REPO,
    project=ProjectName("default"),
    env=EnvName("staging"),
    state_key=StateKey("staging/terraform.tfstate"),
    directory="terraform",
    var_file="envs/staging.tfvars",
)
PROD = replace(
    STAGING,
    env=EnvName("prod"),
    state_key=StateKey("prod/terraform.tfstate"),
    var_file=None,
)
SUMMARY = PlanSummary(
    terraform_version="1.11.4",
    counts=Counts(add=1, change=2, destroy=3, replace=4, import_=5, move=6, forget=7),
    resources=(
        ResourceChange(
            address='terraform_data.this["ünïcode"]',
            type="terraform_data",
            action=Action.REPLACE,
            previous_address="terraform_data.that",
            importing=True,
            replace_paths=("input.a", "input.b"),
            reason="cannot be changed in place",
            risk=RiskLevel.HIGH,
            diff="-/+ resource …\n",
        ),
    ),
    outputs=(OutputChange(name="url", action=Action.CHANGE, sensitive=True),),
    drift=(ResourceChange(address="terraform_data.gone", type="terraform_data", action=Action.DESTROY),),
    warnings=("first", "second"),
    failed_checks=("check.health",),
    risk=Risk(
        level=RiskLevel.HIGH,
        score=80,
        reasons=("replaces data",),
        destroys=("a",),
        replaces=("b",),
        exposes=("c",),
        stateful=("d",),
    ),
    change_digest="c" * 64,
    has_changes=True,
    text="Terraform will perform\x00 the following actions",
    added_files=("builds/x.zip",),
    moving_sources=("module.net: git::https://example.org/net.git?ref=main",),
)


def a_delivery(id: str = "guid-1", **changes: Any) -> Delivery:
    delivery = Delivery(
        id=DeliveryId(id),
        event="issue_comment",
        action="created",
        repo=REPO,
        pull=7,
        payload=b'{"zen": "\\u0000"}\xff\x00',
        received_at=NOW,
    )
    return replace(delivery, **changes)


def a_job(id: str = "delivery-guid-1") -> Job:
    return Job(workflow="handle_delivery", id=id, argument="guid-1", queue="inbox", partition=f"{REPO}#7")


def a_run(id: str = "run-1", **changes: Any) -> NewRun:
    run = NewRun(
        id=RunId(id),
        kind=RunKind.PLAN,
        stack=STAGING,
        installation_id=2**40,
        pull=7,
        head_sha=HEAD,
        base_sha=BASE,
        actor=account("dana"),
        comment_id=2**41,
        plan_id=None,
        arguments=("-target=module.a", "-parallelism=2"),
        policy_digest="d" * 64,
        correlation_id="guid-1",
        dedupe_key=f"dedupe-{id}",
    )
    return replace(run, **changes)


def a_plan(id: str = "p2345678", **changes: Any) -> PlanRecord:
    plan = PlanRecord(
        id=PlanId(id),
        run_id=RunId("run-1"),
        stack=STAGING,
        pull=7,
        head_sha=HEAD,
        base_sha=BASE,
        merge_tree="e" * 40,
        inputs_digest="f" * 64,
        fetched_digest=f"1:{'a' * 64}",
        var_file_digest="0" * 64,
        change_digest="c" * 64,
        plan_sha256="1" * 64,
        engine="terraform 1.11.4",
        arguments=("-refresh=false",),
        state_serial=41,
        state_lineage="11111111-2222-3333-4444-555555555555",
        policy_digest="d" * 64,
        slot="acme-infra-staging-0",
        bundle_key="plans/p2345678/bundle",
        log_key="logs/run-1",
        has_changes=True,
        status=PlanStatus.PLANNED,
        status_reason=None,
        summary=SUMMARY,
        created_by=account("dana"),
        created_at=NOW,
        posted_at=None,
        expires_at=NOW + timedelta(hours=24),
    )
    return replace(plan, **changes)


def a_lock(pull: int = 7, **changes: Any) -> Lock:
    lock = Lock(
        stack=STAGING,
        pull=pull,
        holder=account("dana"),
        run_id=RunId("run-1"),
        since=NOW,
        reason="first apply",
    )
    return replace(lock, **changes)


def a_state_version(serial: int | None = 41, **changes: Any) -> StateVersion:
    lineage, sha256 = (None, None) if serial is None else ("11111111", f"{serial:064x}")
    version = StateVersion(
        state_key=STAGING.state_key,
        identity=StateIdentity(serial=serial, lineage=lineage, sha256=sha256),
        object_key=None if serial is None else f"history/{serial}",
        commit=HEAD,
        actor=account("dana"),
        run_id=RunId("run-1"),
        moment="before",
        taken_at=NOW,
    )
    return replace(version, **changes)


def an_artifact(name: str = "kubeconfig", **changes: Any) -> Artifact:
    artifact = Artifact(run_id=RunId("run-1"), name=name, object_key=f"artifacts/{name}", created_at=NOW)
    return replace(artifact, **changes)


def a_restore(run_id: str = "run-1", **changes: Any) -> Restore:
    restore = Restore(
        run_id=RunId(run_id),
        stack=STAGING,
        pull=7,
        serial=3,
        source_key="history/staging/terraform.tfstate/0000000003-lineage1-sha.tfstate",
        confirmed=2,
        asked_by=account("admin"),
        asked_at=NOW,
    )
    return replace(restore, **changes)

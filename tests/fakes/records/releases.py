"""Releases, verifications and reverts, every field filled with a value of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.domain.core.model import (
    PlanId,
    RunId,
)
from bot.domain.core.outcome import Outcome
from bot.domain.releases.release import CheckResult, Release, Verification
from bot.domain.releases.revert import Revert
from tests.fakes.accounts import account
from tests.fakes.records.rows import BASE, HEAD, NOW, STAGING


def a_release(plan_id: str = "p2345678", **changes: Any) -> Release:
    release = Release(
        plan_id=PlanId(plan_id),
        run_id=RunId("run-1"),
        stack=STAGING,
        pull=7,
        head_sha=HEAD,
        base_sha=BASE,
        merge_tree="e" * 40,
        inputs_digest="f" * 64,
        fetched_digest=f"1:{'a' * 64}",
        var_file_digest="0" * 40,
        change_digest="c" * 64,
        plan_sha256="1" * 64,
        policy_digest="d" * 64,
        engine="terraform 1.11.4",
        arguments=("-parallelism=2",),
        changed=True,
        source_digest="2" * 64,
        source_key=f"sources/{'2' * 64}",
        state_serial=42,
        state_lineage="11111111",
        outputs={"url": "3" * 64},
        actor=account("dana"),
        approvers=(account("owner"),),
        recorded_at=NOW,
    )
    return replace(release, **changes)


def a_verification(run_id: str = "run-1", **changes: Any) -> Verification:
    verification = Verification(
        run_id=RunId(run_id),
        release=PlanId("p2345678"),
        stack=STAGING,
        outcome=Outcome.PASS,
        checks=(
            CheckResult(
                name="front page",
                type="http",
                outcome=Outcome.PASS,
                sentence="200 in 12 ms.",
                attempts=2,
                seconds=0.012,
            ),
        ),
        inputs_digest="f" * 64,
        change_digest="c" * 64,
        state_serial=42,
        state_lineage="11111111",
        policy_digest="d" * 64,
        actor=account("dana"),
        verified_at=NOW,
    )
    return replace(verification, **changes)


def a_revert(run_id: str = "run-2", **changes: object) -> Revert:
    values = {"target": PlanId("p1111111"), "undone": (PlanId("p2222222"),), **changes}
    return Revert(
        run_id=RunId(run_id),
        stack=STAGING,
        pull=7,
        asked_by=account("dana"),
        asked_at=NOW,
        **values,  # type: ignore[arg-type]
    )

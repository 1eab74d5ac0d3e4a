"""Runs and plans as comments show them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.comments.runs.failures import (
    plan_failed_comment,
)
from bot.comments.runs.report import RunView
from bot.domain.core.model import PlanId, Run, RunId, RunKind, RunStatus
from bot.domain.plans.plan import PlanRecord
from bot.domain.plans.plan_json import summarise
from tests.data.plans import plan_json, plan_text
from tests.fakes.accounts import account
from tests.fakes.records import builders
from tests.fakes.records.builders import BASE, HEAD, NOON

RUN_URL = "https://gatewright.example/runs/r123456789abcdef"


def run(**changes: Any) -> Run:
    """Return an apply that has succeeded."""
    made = Run(
        id=RunId("r123456789abcdef"),
        kind=RunKind.APPLY,
        status=RunStatus.SUCCEEDED,
        stack=builders.stack(),
        installation_id=1,
        pull=7,
        head_sha=HEAD,
        base_sha=BASE,
        actor=account("dev"),
        comment_id=11,
        plan_id=PlanId("pabcdefg"),
        arguments=(),
        policy_digest=None,
        correlation_id="delivery-1",
        failure_class=None,
        summary=None,
        detail={},
        cancel_requested_by=None,
        intent_at=NOON,
        created_at=NOON,
        started_at=NOON + timedelta(seconds=2),
        finished_at=NOON + timedelta(seconds=74),
    )
    return replace(made, **changes)


def planned(name: str, **changes: Any) -> PlanRecord:
    """Return the record of a plan of tests/data/plans."""
    summary = summarise(
        plan_json(name), plan_text(name), arguments=(), warnings=changes.pop("warnings", ()), redact=str
    )
    return builders.plan(summary=summary, **changes)


def failed(status: RunStatus = RunStatus.FAILED, summary: str | None = None, **detail: Any) -> str:
    ended = run(kind=RunKind.PLAN, status=status, plan_id=None, detail=detail, summary=summary)
    return plan_failed_comment(RunView(run=ended, run_url=RUN_URL))

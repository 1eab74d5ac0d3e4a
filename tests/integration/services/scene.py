"""Policies, loaded stand-ins and recorded runs that the tests of services share."""

from __future__ import annotations

from bot.adapters.database import Database
from bot.domain.core.accounts import SELF
from bot.domain.core.model import (
    PlanId,
    PlanStatus,
    Repo,
    RunId,
    RunKind,
    RunStatus,
)
from bot.domain.gates.freezes import Hold, HoldCause
from bot.policy import load_policy
from bot.ports import Writer
from bot.services.runs.requests import Trigger
from bot.services.stacks.policies import LoadedPolicy
from tests.fakes.accounts import account
from tests.fakes.records import builders
from tests.fakes.records.releases import a_revert
from tests.fakes.records.rows import HEAD, NOW, REPO, STAGING, a_plan, a_run

POLICY = """
version: 1
terraform: {version: "1.11.4"}
projects: [{name: default, dir: terraform}]
environments:
  staging: {state_key: staging/terraform.tfstate, var_file: envs/staging.tfvars, apply: {allow: write}}
"""


REPOSITORY = Repo(owner="acme", name="infra", installation_id=1)


def loaded() -> LoadedPolicy:
    return LoadedPolicy(policy=load_policy(POLICY, path="gatewright.yaml"), commit=HEAD)


def trigger() -> Trigger:
    return Trigger(
        repo=REPOSITORY,
        pull=builders.pull(),
        actor=account("dev"),
        comment_id=5,
        asked_at=NOW,
        correlation_id="guid-9",
    )


async def moved(writer: Writer, run: str, status: RunStatus, *, plan: PlanId | None = None) -> None:
    """Move a run to its end."""
    for each in (RunStatus.PREPARING, RunStatus.RUNNING):
        await writer.move_run(RunId(run), each, at=NOW, actor=SELF, why="")
    await writer.move_run(RunId(run), status, at=NOW, actor=SELF, why="", plan_id=plan)


async def add_apply(records: Database, *, begun: bool) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run(), NOW)
        await writer.add_plan(a_plan("p2345678"))
        await writer.add_plan(a_plan("p3456789"))
        await writer.add_run(a_run("run-2", kind=RunKind.APPLY, plan_id=PlanId("p2345678")), NOW)
        if begun:
            await writer.record_intent(RunId("run-2"), NOW)
            for status in (RunStatus.PREPARING, RunStatus.RUNNING):
                await writer.move_run(RunId("run-2"), status, at=NOW, actor=SELF, why="at work")
            await writer.set_plan_status(PlanId("p2345678"), PlanStatus.APPLYING, None)


OPENED = 9
"""The pull request that takes the change out of the base."""


async def reverted(records: Database) -> None:
    """Record a revert of staging that was applied, its hold, and the pull request that was opened for the base."""
    async with records.write() as writer:
        await writer.add_run(a_run("run-1"), NOW)
        await writer.add_plan(a_plan("p4444444", run_id=RunId("run-1"), reverts_to=PlanId("p1111111")))
        await writer.add_revert(a_revert("run-1", plan_id=PlanId("p4444444"), opened_pull=OPENED))
        await moved(writer, "run-1", RunStatus.SUCCEEDED)
        await writer.add_run(a_run("run-2", kind=RunKind.REVERT, plan_id=PlanId("p4444444")), NOW)
        await moved(writer, "run-2", RunStatus.SUCCEEDED, plan=PlanId("p4444444"))
        hold = Hold(
            repo=REPO,
            env=STAGING.env,
            cause=HoldCause.REVERT,
            reason="staging was reverted to release p1111111",
            by=account("dana"),
            since=NOW,
            pull=7,
            run_id=RunId("run-2"),
        )
        await writer.add_hold(hold)

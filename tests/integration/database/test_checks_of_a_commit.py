"""When `gatewright/apply` must not be green, and must not be red, whatever else was done at the same commit."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from bot.adapters.database import Database
from bot.domain.model import EnvName, PlanId, PlanStatus, Repo, RunId, RunKind, RunStatus, StateKey
from bot.policy import load_policy
from bot.ports import Check, GitHub
from bot.services.checks import Checks
from tests.integration.database.builders import HEAD, NOW, STAGING, a_plan, a_run
from tests.integration.database.test_reverts import REPOSITORY, moved

POLICY = load_policy("""
version: 1
terraform: {version: "1.11.4"}
environments:
  ci: {state_key: ci/terraform.tfstate}
  staging: {state_key: staging/terraform.tfstate}
  prod: {state_key: prod/terraform.tfstate}
merge_requires: [staging, prod]
""")
CI = replace(STAGING, env=EnvName("ci"), state_key=StateKey("ci/terraform.tfstate"))
PROD = replace(STAGING, env=EnvName("prod"), state_key=StateKey("prod/terraform.tfstate"))


@dataclass
class Shown:
    """The checks of the commit, as GitHub has them."""

    checks: dict[str, Check] = field(default_factory=dict)

    async def create_check(self, repo: Repo, check: Check, *, in_doubt: bool = False) -> int:
        del repo, in_doubt
        self.checks[check.name] = check
        return len(self.checks)

    async def update_check(self, repo: Repo, check_id: int, check: Check) -> None:
        del repo, check_id
        self.checks[check.name] = check


async def shown(records: Database) -> tuple[str | None, str | None, str]:
    """Return what both checks say, and the text of that of applies."""
    github = Shown()
    await Checks(github=cast("GitHub", github), records=records).refresh(REPOSITORY, 7, HEAD, POLICY)
    plan, apply = github.checks["gatewright/plan"], github.checks["gatewright/apply"]
    return plan.conclusion, apply.conclusion, apply.summary


@pytest.fixture
async def applied(records: Database) -> Database:
    """Staging is planned and applied at the head of a pull request."""
    async with records.write() as writer:
        await writer.select(REPOSITORY.full_name, 7, HEAD)
        await writer.add_run(a_run("run-1"), NOW)
        await writer.add_plan(a_plan(arguments=(), status=PlanStatus.APPLIED))
        await moved(writer, "run-1", RunStatus.SUCCEEDED, plan=PlanId("p2345678"))
        await writer.add_run(a_run("run-2", kind=RunKind.APPLY, plan_id=PlanId("p2345678")), NOW)
        await writer.record_intent(RunId("run-2"), NOW)
        await moved(writer, "run-2", RunStatus.SUCCEEDED)
    return records


async def test_a_commit_that_has_not_planned_itself_is_not_green(records: Database) -> None:
    # Given a draft of a commit, for which one environment was planned that no merge waits for,
    async with records.write() as writer:
        await writer.add_push(REPOSITORY.full_name, 7, HEAD)
        await writer.add_run(a_run("run-1", stack=CI), NOW)
        await writer.add_plan(a_plan(stack=CI, arguments=()))
        await moved(writer, "run-1", RunStatus.SUCCEEDED, plan=PlanId("p2345678"))
    # then its check does not speak for another pull request of the same commit,
    _, conclusion, summary = await shown(records)
    assert conclusion == "action_required"
    assert "`/plan`" in summary
    # and when all that it touches was asked to be planned, it says what is there.
    async with records.write() as writer:
        await writer.select(REPOSITORY.full_name, 7, HEAD)
    assert (await shown(records))[1] == "success"


async def restored(records: Database, *, detail: dict[str, Any], begun: bool) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run("run-3", kind=RunKind.RESTORE), NOW)
        if begun:
            await writer.record_intent(RunId("run-3"), NOW)
        await writer.set_result(RunId("run-3"), summary="over", detail=detail)
        await moved(writer, "run-3", RunStatus.SUCCEEDED if begun else RunStatus.FAILED)


async def test_an_apply_from_before_a_restore_does_not_count(applied: Database) -> None:
    # Given an applied change,
    assert (await shown(applied))[1] == "success"
    # when an older version of the state is restored over it,
    await restored(applied, detail={"state": "restored"}, begun=True)
    # then nobody knows what is in place before it is planned again.
    _, conclusion, summary = await shown(applied)
    assert conclusion == "action_required"
    assert "applied, and its state was restored since" in summary
    assert "`/plan staging`" in summary
    async with applied.write() as writer:
        await writer.add_run(a_run("run-4"), NOW)
        await writer.add_plan(
            a_plan("p3333333", run_id=RunId("run-4"), arguments=(), status=PlanStatus.NO_CHANGES)
        )
        await moved(writer, "run-4", RunStatus.SUCCEEDED, plan=PlanId("p3333333"))
    assert (await shown(applied))[1] == "success"


@pytest.mark.parametrize(("detail", "begun"), [({}, False), ({"state": "not_changed"}, True)])
async def test_a_restore_that_wrote_nothing_takes_nothing_back(
    applied: Database, detail: dict[str, Any], *, begun: bool
) -> None:
    await restored(applied, detail=detail, begun=begun)

    assert (await shown(applied))[1] == "success"


async def test_a_look_for_drift_neither_plans_nor_forgives(applied: Database) -> None:
    # Given a stack that this commit does not touch, and one whose newest planning has failed,
    async with applied.write() as writer:
        await writer.add_run(a_run("run-3"), NOW)
        await moved(writer, "run-3", RunStatus.FAILED)
        # when somebody looks for drift in both,
        for name, stack in (("run-4", STAGING), ("run-5", PROD)):
            await writer.add_run(a_run(name, kind=RunKind.DRIFT, stack=stack), NOW)
            await moved(writer, name, RunStatus.SUCCEEDED)
    # then the failure still counts, and the other one is nobody's concern.
    plan, apply, summary = await shown(applied)
    assert (plan, apply) == ("failure", "action_required")
    assert "prod" not in summary


async def test_a_stack_is_not_forgotten_behind_many_later_runs(records: Database) -> None:
    # Given a stack that must be applied before the merge, and a hundred later plans of another one,
    async with records.write() as writer:
        await writer.select(REPOSITORY.full_name, 7, HEAD)
        await writer.add_run(a_run("run-1"), NOW)
        await writer.add_plan(a_plan(arguments=()))
        await moved(writer, "run-1", RunStatus.SUCCEEDED, plan=PlanId("p2345678"))
        for number in range(101):
            name = f"run-ci-{number}"
            await writer.add_run(a_run(name, stack=CI), NOW)
            await moved(writer, name, RunStatus.SUCCEEDED)
    # then it is still missing.
    _, apply, summary = await shown(records)
    assert apply == "action_required"
    assert "staging" in summary

"""When `gatewright/apply` must not be green, and must not be red, whatever else was done at the same commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.adapters.database import Database
from bot.domain.core.model import EnvName, PlanId, PlanStatus, RunId, RunKind, RunStatus, Stack, StateKey
from bot.policy import load_policy
from bot.ports import NewRun
from bot.ports.records.check_runs import TouchedStack
from tests.fakes.records.rows import BASE, HEAD, NOW, STAGING, a_plan, a_run
from tests.integration.services.reporting.checked import CHECKED_POLICY
from tests.integration.services.reporting.shown_checks import ShownChecks, checks
from tests.integration.services.scene import REPOSITORY, moved

CI = replace(STAGING, env=EnvName("ci"), state_key=StateKey("ci/terraform.tfstate"))
MANUAL = """
version: 1
terraform: {version: "1.11.4"}
environments:
  ci: {state_key: ci/terraform.tfstate, autoplan: false}
  staging: {state_key: staging/terraform.tfstate, autoplan: false}
merge_requires: [staging]
"""
PROD = replace(STAGING, env=EnvName("prod"), state_key=StateKey("prod/terraform.tfstate"))


def whole_run(name: str, **changes: Any) -> NewRun:
    return a_run(name, **{"arguments": (), **changes})


async def shown(records: Database) -> tuple[str, str, str]:
    """Return what both checks say, and the text of that of applies."""
    github = ShownChecks()
    async with records.write() as writer:
        for name in ("gatewright/plan", "gatewright/apply"):
            await writer.renew_checks(REPOSITORY.full_name, HEAD, name=name)
    await checks(github, records).refresh(REPOSITORY, 7, HEAD, CHECKED_POLICY)
    return (
        github.state("gatewright/plan"),
        github.state("gatewright/apply"),
        github.newest("gatewright/apply").summary,
    )


async def touch(
    records: Database, *stacks: Stack, manual: Sequence[Stack] = (), number: int | None = None
) -> None:
    """Note what the head touches, all of which was asked to be planned."""
    found = [TouchedStack(project=one.project, env=one.env, is_automatic=one not in manual) for one in stacks]
    async with records.write() as writer:
        await writer.record_touched(REPOSITORY.full_name, 7, HEAD, number, found)


@pytest.fixture
async def applied(records: Database) -> Database:
    """Staging is planned and applied at the head of a pull request."""
    async with records.write() as writer:
        await writer.select(REPOSITORY.full_name, 7, HEAD)
        await writer.add_run(whole_run("run-1"), NOW)
        await writer.add_plan(a_plan(arguments=(), status=PlanStatus.APPLIED))
        await moved(writer, "run-1", RunStatus.SUCCEEDED, plan=PlanId("p2345678"))
        await writer.add_run(whole_run("run-2", kind=RunKind.APPLY, plan_id=PlanId("p2345678")), NOW)
        await writer.record_intent(RunId("run-2"), NOW)
        await moved(writer, "run-2", RunStatus.SUCCEEDED)
    return records


async def test_a_commit_that_has_not_planned_itself_is_not_green(records: Database) -> None:
    # Given a draft of a commit, for which one environment was planned that no merge waits for,
    async with records.write() as writer:
        await writer.see_head(REPOSITORY.full_name, 7, HEAD)
        await writer.add_run(whole_run("run-1", stack=CI), NOW)
        await writer.add_plan(a_plan(stack=CI, arguments=()))
        await moved(writer, "run-1", RunStatus.SUCCEEDED, plan=PlanId("p2345678"))
    # then its check does not speak for another pull request of the same commit,
    _, conclusion, summary = await shown(records)
    assert conclusion == "queued"
    assert "`/plan`" in summary
    # and when all that it touches was asked to be planned, it says what is there.
    async with records.write() as writer:
        await writer.select(REPOSITORY.full_name, 7, HEAD)
    assert (await shown(records))[1] == "success"


async def restored(records: Database, *, detail: dict[str, Any], begun: bool) -> None:
    async with records.write() as writer:
        await writer.add_run(whole_run("run-3", kind=RunKind.RESTORE), NOW)
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
    assert conclusion == "queued"
    assert "applied, and its state was restored since" in summary
    assert "`/plan staging`" in summary
    async with applied.write() as writer:
        await writer.add_run(whole_run("run-4"), NOW)
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


async def test_a_look_for_drift_neither_plans_nor_forgives(records: Database) -> None:
    # Given a stack that this commit does not touch, and one whose newest planning has failed,
    async with records.write() as writer:
        await writer.select(REPOSITORY.full_name, 7, HEAD)
        await writer.add_run(whole_run("run-3"), NOW)
        await moved(writer, "run-3", RunStatus.FAILED)
        # when somebody looks for drift in both,
        for name, stack in (("run-4", STAGING), ("run-5", PROD)):
            await writer.add_run(whole_run(name, kind=RunKind.DRIFT, stack=stack), NOW)
            await moved(writer, name, RunStatus.SUCCEEDED)
    # then the failure still counts, and the other one is nobody's concern.
    plan, apply, summary = await shown(records)
    assert (plan, apply) == ("failure", "queued")
    assert "prod" not in summary


async def test_a_stack_is_not_forgotten_behind_many_later_runs(records: Database) -> None:
    # Given a stack that must be applied before the merge, and a hundred later plans of another one,
    async with records.write() as writer:
        await writer.select(REPOSITORY.full_name, 7, HEAD)
        await writer.add_run(whole_run("run-1"), NOW)
        await writer.add_plan(a_plan(arguments=()))
        await moved(writer, "run-1", RunStatus.SUCCEEDED, plan=PlanId("p2345678"))
        for number in range(101):
            name = f"run-ci-{number}"
            await writer.add_run(whole_run(name, stack=CI), NOW)
            await moved(writer, name, RunStatus.SUCCEEDED)
    # then it is still missing.
    _, apply, summary = await shown(records)
    assert apply == "queued"
    assert "staging" in summary


async def planned(records: Database, name: str, plan: str, status: PlanStatus, **changes: Any) -> None:
    """Record a planning that succeeded."""
    arguments = changes.pop("arguments", ())
    stack, number = changes.get("stack", STAGING), changes.get("head_number")
    async with records.write() as writer:
        await writer.add_run(a_run(name, arguments=arguments, **changes), NOW)
        await writer.add_plan(
            a_plan(
                plan,
                run_id=RunId(name),
                arguments=arguments,
                status=status,
                stack=stack,
                head_number=number,
            )
        )
        await moved(writer, name, RunStatus.SUCCEEDED, plan=PlanId(plan))


async def failed(records: Database, name: str, **changes: Any) -> None:
    """Record a planning that failed."""
    async with records.write() as writer:
        await writer.add_run(whole_run(name, **changes), NOW)
        await moved(writer, name, RunStatus.FAILED)


async def test_nothing_touched_is_green_at_once(records: Database) -> None:
    await touch(records)

    assert (await shown(records))[:2] == ("success", "success")


async def test_look_at_an_untouched_stack_never_turns_a_check_red(records: Database) -> None:
    # Given a pull request that touches no stack, when somebody plans what a merge waits for, and it fails or not,
    await touch(records)
    await failed(records, "run-1", comment_id=5)
    await planned(records, "run-2", "p3333333", PlanStatus.PLANNED, stack=PROD, comment_id=6)
    # then the checks are about the change.
    plan, apply, summary = await shown(records)
    assert (plan, apply) == ("success", "success")
    assert "prod" not in summary


async def test_a_targeted_plan_says_nothing_of_the_change(applied: Database) -> None:
    # Given an applied change, when somebody plans a part of it, and fails to plan another,
    await touch(applied, STAGING)
    await planned(applied, "run-3", "p3333333", PlanStatus.PLANNED, arguments=("-target=a.b",), comment_id=5)
    assert (await shown(applied))[:2] == ("success", "success")
    await failed(applied, "run-4", arguments=("-target=a.c",), comment_id=6)
    # then the change is in place as before.
    assert (await shown(applied))[:2] == ("success", "success")


async def test_a_failed_look_at_what_is_in_place_changes_nothing(applied: Database) -> None:
    await touch(applied, STAGING)
    await failed(applied, "run-3", comment_id=5)

    assert (await shown(applied))[:2] == ("success", "success")


async def test_failed_look_that_no_merge_needs_is_not_red(records: Database) -> None:
    # Given a planned stack without a place in `merge_requires`,
    await touch(records, CI)
    await planned(records, "run-1", "p3333333", PlanStatus.PLANNED, stack=CI, comment_id=None)
    # when somebody plans it again and that fails, then the first plan stands;
    await failed(records, "run-2", stack=CI, comment_id=5)
    assert (await shown(records))[:2] == ("success", "success")
    # when the automatic planning fails, then it is red.
    await failed(records, "run-3", stack=CI, comment_id=None)
    assert (await shown(records))[0] == "failure"


async def test_a_touched_stack_without_autoplan_is_named(records: Database) -> None:
    # Given a change of two stacks that are planned by a command only, of which a merge waits for one,
    policy = load_policy(MANUAL)
    await touch(records, STAGING, CI, manual=(STAGING, CI))
    # when the checks are shown, then both say which, and what to comment.
    github = ShownChecks()
    await checks(github, records).refresh(REPOSITORY, 7, HEAD, policy)
    plan, apply = github.newest("gatewright/plan"), github.newest("gatewright/apply")
    assert (plan.conclusion, plan.title) == ("success", "Not planned automatically: ci, staging")
    assert "`/plan ci`" in plan.summary
    assert (github.state("gatewright/apply"), apply.title) == ("queued", "Not applied yet: staging")
    assert "`/plan staging`" in apply.summary


async def test_the_check_is_in_progress_while_terraform_runs(records: Database) -> None:
    # Given a planned stack, when its apply is queued,
    await touch(records, STAGING)
    await planned(records, "run-1", "p3333333", PlanStatus.PLANNED)
    github = ShownChecks()
    service = checks(github, records)
    await service.refresh(REPOSITORY, 7, HEAD, CHECKED_POLICY)
    assert github.state("gatewright/apply") == "queued"
    assert [button.identifier for button in github.newest("gatewright/apply").buttons] == ["apply:staging"]
    async with records.write() as writer:
        await writer.add_run(whole_run("run-2", kind=RunKind.APPLY, plan_id=PlanId("p3333333")), NOW)
    await service.refresh(REPOSITORY, 7, HEAD, CHECKED_POLICY)
    # then the check says so, without a button, and leads to the run.
    apply = github.newest("gatewright/apply")
    assert (github.state("gatewright/apply"), apply.title) == ("in_progress", "Applying staging")
    assert apply.buttons == ()
    assert apply.details_url == "https://bot.example/runs/run-2"
    plan = github.newest("gatewright/plan")
    assert (plan.conclusion, plan.details_url) == ("success", "https://bot.example/runs/run-1")
    assert github.requests[2:] == ["update gatewright/apply"]
    # And when it has failed and was planned again, it is red.
    async with records.write() as writer:
        await writer.record_intent(RunId("run-2"), NOW)
        await writer.set_plan_status(PlanId("p3333333"), PlanStatus.FAILED, "it failed")
        await moved(writer, "run-2", RunStatus.FAILED)
    await planned(records, "run-3", "p4444444", PlanStatus.PLANNED)
    await service.refresh(REPOSITORY, 7, HEAD, CHECKED_POLICY)
    apply = github.newest("gatewright/apply")
    assert (apply.conclusion, apply.title) == ("failure", "The apply failed: staging")
    assert "`/apply staging`" in apply.summary


async def test_commit_that_is_the_head_again_is_planned_again(records: Database) -> None:
    # Given a head whose change is applied and shown,
    async with records.write() as writer:
        assert await writer.record_head(REPOSITORY.full_name, 7, HEAD, NOW) == 1
    await touch(records, STAGING, number=1)
    await planned(records, "run-1", "p3333333", PlanStatus.APPLIED, head_number=1)
    github = ShownChecks()
    service = checks(github, records)
    await service.refresh(REPOSITORY, 7, HEAD, CHECKED_POLICY)
    assert (github.state("gatewright/plan"), github.state("gatewright/apply")) == ("success", "success")
    # when the pull request moves on and is pushed back to it,
    async with records.write() as writer:
        await writer.record_head(REPOSITORY.full_name, 7, BASE, NOW)
        assert await writer.record_head(REPOSITORY.full_name, 7, HEAD, NOW) == 3
        await writer.add_run(whole_run("run-3", head_number=3), NOW)
    await touch(records, STAGING, number=3)
    # then new check runs say what is true of it now, whoever reports,
    await service.refresh(REPOSITORY, 7, HEAD, CHECKED_POLICY)
    assert (github.state("gatewright/plan"), github.state("gatewright/apply")) == ("in_progress", "queued")
    # and every check run is known by a name of its own.
    assert len({run.external_id for run in github.runs if run.name == "gatewright/apply"}) == 2


async def test_the_commit_of_a_merge_is_never_left_incomplete(records: Database) -> None:
    # Given a merge whose stack was only compared, and differs,
    async with records.write() as writer:
        await writer.add_run(whole_run("run-1", kind=RunKind.SYNC), NOW)
        await writer.add_plan(a_plan("p3333333", run_id=RunId("run-1"), arguments=()))
        await moved(writer, "run-1", RunStatus.SUCCEEDED, plan=PlanId("p3333333"))
    # then the check of its commit does not wait for anybody.
    assert (await shown(records))[:2] == ("success", "neutral")

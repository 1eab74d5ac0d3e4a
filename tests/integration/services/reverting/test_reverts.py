"""A revert outlives what happens to the pull request that asked for it, on both databases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from bot.adapters.database import Database
from bot.domain.core.accounts import SELF
from bot.domain.core.model import (
    PlanId,
    PlanStatus,
    RunId,
    RunKind,
    RunStatus,
    Sha,
    StateIdentity,
    StateKey,
)
from bot.domain.core.refusals import Reason
from bot.domain.releases.release import Release
from bot.services.reverting.requests import Reverting
from bot.services.runs.incomplete_changes import unfinished_change
from bot.services.runs.requests import RunRequests
from bot.services.stacks.releases import Made, Source, Sources, release_of
from bot.services.stacks.states import States
from tests.fakes.accounts import account
from tests.fakes.clock import HandClock
from tests.fakes.records import builders
from tests.fakes.records.releases import a_release, a_revert, a_verification
from tests.fakes.records.rows import HEAD, NOW, REPO, STAGING, a_plan, a_run
from tests.integration.services.reporting.shown_checks import ShownChecks, checks
from tests.integration.services.scene import REPOSITORY, loaded, moved, trigger

NEWER = Sha("9" * 40)


@dataclass(frozen=True, slots=True)
class _States:
    """A state as the newest release has left it, which nobody holds."""

    async def read(self, key: StateKey) -> tuple[StateIdentity, bytes | None]:
        del key
        return StateIdentity(serial=42, lineage="11111111", sha256=None), b""

    async def lock_holder(self, key: StateKey) -> None:
        del key


@dataclass(frozen=True, slots=True)
class _Sources:
    """A store that has every source."""

    async def fetch(self, release: Release) -> bytes:
        del release
        return b""


async def begun(records: Database) -> RunRequests:
    """Record a plan and a revert's plan of one pull request, and one more of each that is still being made."""
    async with records.write() as writer:
        for name in ("run-1", "run-2", "run-3", "run-4"):
            await writer.add_run(a_run(name), NOW)
        await writer.add_plan(a_plan("p3333333", run_id=RunId("run-1")))
        await writer.add_plan(
            a_plan("p4444444", run_id=RunId("run-2"), head_sha=Sha("8" * 40), reverts_to=PlanId("p1111111"))
        )
        await writer.add_revert(a_revert("run-2"))
        await writer.add_revert(a_revert("run-4"))
        for name in ("run-1", "run-2"):
            await moved(writer, name, RunStatus.SUCCEEDED)
    return RunRequests(records=records, clock=HandClock())


async def standing(records: Database) -> tuple[dict[str, PlanStatus], dict[str, RunStatus]]:
    async with records.read() as reader:
        plans = {plan.id: plan.status for plan in await reader.plans(repo=REPO)}
        runs = {run.id: run.status for run in await reader.runs(repo=REPO)}
    return {str(name): status for name, status in plans.items()}, {
        str(name): status for name, status in runs.items() if name in {"run-3", "run-4"}
    }


async def test_push_ends_own_plans_but_not_those_of_reverts(
    records: Database,
) -> None:
    run_requests = await begun(records)

    old = await run_requests.supersede(
        REPO, 7, by=SELF, why="it moved on", unless_head=builders.pull(head_sha=NEWER)
    )

    assert [plan.id for plan in old] == ["p3333333"]
    assert await standing(records) == (
        {"p3333333": PlanStatus.STALE, "p4444444": PlanStatus.PLANNED},
        {"run-3": RunStatus.CANCELED, "run-4": RunStatus.QUEUED},
    )


async def test_close_stops_plans_in_work_and_not_those_of_reverts(records: Database) -> None:
    run_requests = await begun(records)

    stopped = await run_requests.cancel_plans(REPO, 7, by=SELF, reverts=False)

    assert [run.id for run in stopped] == ["run-3"]
    assert (await standing(records))[1] == {"run-3": RunStatus.CANCELED, "run-4": RunStatus.QUEUED}


async def test_person_who_cancels_all_plans_cancels_those_of_reverts_too(records: Database) -> None:
    run_requests = await begun(records)

    stopped = await run_requests.cancel_plans(REPO, 7, by=account("dana"), reverts=True)

    assert {run.id for run in stopped} == {"run-3", "run-4"}


async def test_interrupted_revert_is_unfinished_until_its_release_is_in_place(
    records: Database,
) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run("run-1"), NOW)
        await writer.add_release(a_release("p2222222", recorded_at=NOW))
        await writer.add_run(a_run("run-2"), NOW)
        await writer.add_plan(a_plan("p4444444", run_id=RunId("run-2"), reverts_to=PlanId("p1111111")))
        await writer.add_revert(a_revert("run-2", plan_id=PlanId("p4444444")))
        await writer.add_run(a_run("run-5", kind=RunKind.REVERT, plan_id=PlanId("p4444444")), NOW)
        assert await unfinished_change(writer, STAGING, await writer.releases(STAGING)) is None
        await writer.record_intent(RunId("run-5"), NOW)
        await writer.move_run(RunId("run-5"), RunStatus.PREPARING, at=NOW, actor=SELF, why="")
        at = NOW + timedelta(minutes=1)
        await writer.move_run(RunId("run-5"), RunStatus.INTERRUPTED, at=at, actor=SELF, why="")

        found = await unfinished_change(writer, STAGING, await writer.releases(STAGING))

        assert found is not None
        assert (found.revert_to, found.asked_at) == ("p1111111", NOW)
        late = at + timedelta(minutes=1)
        await writer.add_release(
            a_release("p5555555", run_id=RunId("run-2"), changed=False, recorded_at=late)
        )
        assert await unfinished_change(writer, STAGING, await writer.releases(STAGING)) is None


async def test_reverting_twice_goes_back_two_and_records_what_is_undone(records: Database) -> None:
    # Given three verified releases, of which the newest was taken back,
    async with records.write() as writer:
        for at, name in enumerate(("p1111111", "p2222222", "p3333333", "p4444444"), start=1):
            run = RunId(f"run-{at}")
            await writer.add_run(a_run(run), NOW)
            await writer.add_release(a_release(name, run_id=run, recorded_at=NOW + timedelta(minutes=at)))
            verified = NOW + timedelta(minutes=at, seconds=30)
            await writer.add_verification(
                a_verification(run, release=PlanId(name), verified_at=verified, revoked_at=None)
            )
        await writer.add_plan(a_plan("p4444444", run_id=RunId("run-4"), reverts_to=PlanId("p2222222")))
        await writer.add_revert(a_revert("run-4", target=PlanId("p2222222"), plan_id=PlanId("p4444444")))
    reverting = Reverting(
        records=records,
        states=cast("States", _States()),
        sources=cast("Sources", _Sources()),
        clock=HandClock(),
    )
    # when somebody reverts again,
    refused = await reverting.plan(trigger(), loaded(), STAGING, named=None)
    # then the oldest is meant, and both above it are undone.
    assert refused is None
    async with records.read() as reader:
        newest = (await reader.runs(repo=REPO))[0]
        revert = await reader.revert(newest.id)
    assert revert is not None
    assert (revert.target, revert.undone) == ("p1111111", ("p4444444", "p2222222"))
    assert (revert.asked_by, revert.asked_at) == (account("dev"), NOW)


async def test_unplannable_revert_does_not_blame_the_pull_request(
    records: Database,
) -> None:
    # Given a planned commit, and a revert whose planning failed since,
    async with records.write() as writer:
        await writer.select(REPOSITORY.full_name, 7, HEAD)
        await writer.add_run(a_run("run-1", arguments=()), NOW)
        await writer.add_plan(a_plan("p3333333", run_id=RunId("run-1"), arguments=()))
        await moved(writer, "run-1", RunStatus.SUCCEEDED, plan=PlanId("p3333333"))
        await writer.add_run(a_run("run-2", arguments=()), NOW)
        await writer.add_revert(a_revert("run-2"))
        await moved(writer, "run-2", RunStatus.FAILED)
    github = ShownChecks()
    # when the checks of the commit are shown,
    await checks(github, records).refresh(REPOSITORY, 7, HEAD, loaded().policy)
    # then they are about its own plan.
    assert {run.name: run.conclusion for run in github.runs} == {
        "gatewright/plan": "success",
        "gatewright/apply": "success",
    }


async def test_apply_of_a_merge_can_be_reverted_in_its_pull(records: Database) -> None:
    # Given a pull request whose change was applied by its merge, cut off in the middle,
    plan = a_plan("p4444444", run_id=RunId("run-2"), pull=None)
    async with records.write() as writer:
        await writer.add_run(a_run("run-1"), NOW)
        await writer.add_release(a_release("p2222222"))
        run = await writer.add_run(a_run("run-2", kind=RunKind.SYNC, plan_id=plan.id), NOW)
        assert run is not None
        await writer.add_plan(plan)
        await writer.record_intent(RunId("run-2"), NOW)
        # then it is on its way as long as it runs, and unfinished afterwards.
        reverting = Reverting(
            records=records,
            states=cast("States", _States()),
            sources=cast("Sources", _Sources()),
            clock=HandClock(),
        )
    refused = await reverting.plan(trigger(), loaded(), STAGING, named=None)
    assert refused is not None
    assert refused.reason is Reason.ALREADY_RUNNING
    async with records.write() as writer:
        await moved(writer, "run-2", RunStatus.INTERRUPTED)
        found = await unfinished_change(writer, STAGING, await writer.releases(STAGING))
    assert found is not None
    assert found.revert_to is None
    # `/revert` means its environment without being told, and the release would be the pull request's.
    assert await reverting.last_applied(REPO, 7, stacks=[STAGING]) == STAGING
    made = Made(
        run=run,
        source=Source(digest="2" * 64, key="sources/2"),
        state=StateIdentity(serial=43, lineage="11111111", sha256=None),
        outputs={},
        changed=True,
    )
    assert release_of(plan, made, NOW).pull == 7

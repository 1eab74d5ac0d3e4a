"""A revert outlives what happens to the pull request that asked for it, on both databases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.adapters.database import Database
from bot.domain.model import Login, PlanId, PlanStatus, RunId, RunKind, RunStatus, Sha
from bot.domain.revert import Revert
from bot.services.requesting import Requesting
from bot.services.unfinished import unfinished_change
from tests.integration.database.builders import NOW, REPO, STAGING, a_plan, a_run
from tests.integration.database.test_releases import a_release

NEWER = Sha("9" * 40)


@dataclass(frozen=True, slots=True)
class _Clock:
    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


def a_revert(run_id: str = "run-2", **changes: object) -> Revert:
    values = {"target": PlanId("p1111111"), "undone": (PlanId("p2222222"),), **changes}
    return Revert(
        run_id=RunId(run_id),
        stack=STAGING,
        pull=7,
        asked_by=Login("dana"),
        asked_at=NOW,
        **values,  # type: ignore[arg-type]
    )


async def begun(records: Database) -> Requesting:
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
            await writer.move_run(RunId(name), RunStatus.PREPARING, at=NOW, actor="gatewright", why="")
            await writer.move_run(RunId(name), RunStatus.RUNNING, at=NOW, actor="gatewright", why="")
            await writer.move_run(RunId(name), RunStatus.SUCCEEDED, at=NOW, actor="gatewright", why="")
    return Requesting(records=records, clock=_Clock())


async def standing(records: Database) -> tuple[dict[str, PlanStatus], dict[str, RunStatus]]:
    async with records.read() as reader:
        plans = {plan.id: plan.status for plan in await reader.plans(repo=REPO)}
        runs = {run.id: run.status for run in await reader.runs(repo=REPO)}
    return {str(name): status for name, status in plans.items()}, {
        str(name): status for name, status in runs.items() if name in {"run-3", "run-4"}
    }


async def test_a_push_ends_the_pull_requests_own_plans_and_not_those_of_its_reverts(
    records: Database,
) -> None:
    requesting = await begun(records)

    old = await requesting.supersede(REPO, 7, by=Login("gatewright"), why="it moved on", unless_head=NEWER)

    assert [plan.id for plan in old] == ["p3333333"]
    assert await standing(records) == (
        {"p3333333": PlanStatus.STALE, "p4444444": PlanStatus.PLANNED},
        {"run-3": RunStatus.CANCELED, "run-4": RunStatus.QUEUED},
    )


async def test_a_close_stops_plans_in_work_and_not_those_of_reverts(records: Database) -> None:
    requesting = await begun(records)

    stopped = await requesting.cancel_plans(REPO, 7, by=Login("gatewright"), reverts=False)

    assert [run.id for run in stopped] == ["run-3"]
    assert (await standing(records))[1] == {"run-3": RunStatus.CANCELED, "run-4": RunStatus.QUEUED}


async def test_a_person_who_cancels_all_plans_in_work_means_those_of_reverts_too(records: Database) -> None:
    requesting = await begun(records)

    stopped = await requesting.cancel_plans(REPO, 7, by=Login("dana"), reverts=True)

    assert {run.id for run in stopped} == {"run-3", "run-4"}


async def test_a_revert_that_was_cut_off_is_unfinished_until_its_release_is_found_in_place(
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
        await writer.move_run(RunId("run-5"), RunStatus.PREPARING, at=NOW, actor="gatewright", why="")
        at = NOW + timedelta(minutes=1)
        await writer.move_run(RunId("run-5"), RunStatus.INTERRUPTED, at=at, actor="gatewright", why="")

        found = await unfinished_change(writer, STAGING, await writer.releases(STAGING))

        assert found is not None
        assert (found.revert_to, found.asked_at) == ("p1111111", NOW)
        late = at + timedelta(minutes=1)
        await writer.add_release(
            a_release("p5555555", run_id=RunId("run-2"), changed=False, recorded_at=late)
        )
        assert await unfinished_change(writer, STAGING, await writer.releases(STAGING)) is None

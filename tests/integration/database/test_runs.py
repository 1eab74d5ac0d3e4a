from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.adapters.database import Database
from bot.adapters.database.connection.errors import DatabaseError
from bot.domain.core.accounts import SELF
from bot.domain.core.errors import TakenOverError
from bot.domain.core.model import FailureClass, PlanId, Run, RunId, RunKind, RunStatus
from bot.ports import TimelineEntry
from tests.fakes.accounts import account
from tests.fakes.records.rows import BASE, HEAD, NOW, PROD, REPO, STAGING, a_run
from tests.integration.conftest import Inspector

RUN = RunId("run-1")
LATER = NOW + timedelta(minutes=1)
END = NOW + timedelta(minutes=2)


async def add_runs(records: Database, *runs: Any) -> None:
    async with records.write() as writer:
        for run in runs:
            assert await writer.add_run(run, NOW) is not None


async def move(records: Database, status: RunStatus, **details: Any) -> bool:
    values: dict[str, Any] = {"at": LATER, "actor": SELF, "why": f"now {status}"} | details
    async with records.write() as writer:
        return await writer.move_run(RUN, status, **values)


async def read_run(records: Database) -> Run:
    async with records.read() as reader:
        run = await reader.run(RUN)
    assert run is not None
    return run


async def test_new_run_is_queued_with_everything_asked_for(records: Database) -> None:
    async with records.write() as writer:
        added = await writer.add_run(a_run(), NOW)

    assert await read_run(records) == added
    assert added == Run(
        id=RUN,
        kind=RunKind.PLAN,
        status=RunStatus.QUEUED,
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
        failure_class=None,
        summary=None,
        detail={},
        cancel_requested_by=None,
        intent_at=None,
        created_at=NOW,
        started_at=None,
        finished_at=None,
    )


async def test_a_run_asked_for_twice_is_recorded_once(records: Database) -> None:
    await add_runs(records, a_run())

    async with records.write() as writer:
        again = await writer.add_run(a_run("run-2", dedupe_key="dedupe-run-1"), LATER)

    assert again is None
    async with records.read() as reader:
        assert [run.id for run in await reader.runs()] == ["run-1"]
        assert len(await reader.timeline(RUN)) == 1


async def test_commit_of_a_run_is_recorded_as_its_release_candidate(
    records: Database, inspector: Inspector
) -> None:
    await add_runs(records, a_run("run-1"), a_run("run-2", head_sha=None))

    rows = inspector.rows("SELECT id, release_candidate_id, correlation_id FROM runs ORDER BY sequence")

    assert rows == [("run-1", HEAD, "guid-1"), ("run-2", BASE, "guid-1")]


async def test_every_transition_of_a_run_is_a_timeline_row(records: Database) -> None:
    await add_runs(records, a_run())

    await move(records, RunStatus.PREPARING, actor=account("worker-1"), why="picked up")
    await move(records, RunStatus.RUNNING)
    await move(records, RunStatus.SUCCEEDED, at=END)

    async with records.read() as reader:
        timeline = await reader.timeline(RUN)
    assert timeline[1] == TimelineEntry(
        run_id=RUN, status=RunStatus.PREPARING, at=LATER, actor=account("worker-1"), why="picked up"
    )
    assert [entry.status for entry in timeline] == ["queued", "preparing", "running", "succeeded"]


async def test_run_lasts_from_its_first_move_to_its_last(records: Database) -> None:
    await add_runs(records, a_run())

    await move(records, RunStatus.PREPARING, at=LATER)
    await move(records, RunStatus.RUNNING, at=LATER + timedelta(seconds=5))
    await move(records, RunStatus.TIMED_OUT, at=END, failure_class=FailureClass.TIMEOUT, why="over time")

    run = await read_run(records)
    assert (run.status, run.failure_class) == (RunStatus.TIMED_OUT, FailureClass.TIMEOUT)
    assert (run.created_at, run.started_at, run.finished_at) == (NOW, LATER, END)
    assert run.summary == "over time"


async def test_a_finished_run_does_not_move_and_says_so(records: Database) -> None:
    await add_runs(records, a_run())
    await move(records, RunStatus.CANCELED, at=LATER)

    moved = await move(records, RunStatus.RUNNING, at=END)

    assert not moved
    async with records.read() as reader:
        assert [entry.status for entry in await reader.timeline(RUN)] == ["queued", "canceled"]


async def test_a_plan_run_notes_the_plan_it_made(records: Database) -> None:
    await add_runs(records, a_run())
    await move(records, RunStatus.PREPARING)

    await move(records, RunStatus.SUCCEEDED, plan_id=PlanId("p2345678"))

    assert (await read_run(records)).plan_id == "p2345678"


async def test_moving_an_unknown_run_is_an_error(records: Database) -> None:
    with pytest.raises(DatabaseError, match="run-1 is not recorded"):
        await move(records, RunStatus.PREPARING)


async def test_a_result_outlives_the_move_to_the_end(records: Database) -> None:
    await add_runs(records, a_run())
    await move(records, RunStatus.PREPARING)
    detail: Mapping[str, Any] = {"outputs": ["url"], "serial": {"before": 1, "after": None}, "odd": "\x00"}

    async with records.write() as writer:
        await writer.set_result(RUN, summary="1 added", detail=detail)
    await move(records, RunStatus.SUCCEEDED, why="terraform ended with 0")

    run = await read_run(records)
    assert (run.summary, run.detail) == ("1 added", detail)


async def test_the_result_of_an_ended_run_cannot_be_overwritten(records: Database) -> None:
    await add_runs(records, a_run())
    await move(records, RunStatus.CANCELED, why="canceled by dana")

    async with records.write() as writer:
        await writer.set_result(RUN, summary="late", detail={"late": True})

    run = await read_run(records)
    assert (run.summary, run.detail) == ("canceled by dana", {})


async def test_the_first_who_cancels_stays_noted(records: Database) -> None:
    await add_runs(records, a_run())

    for login in ("omar", "dana"):
        async with records.write() as writer:
            await writer.request_cancel(RUN, account(login))

    assert (await read_run(records)).cancel_requested_by == account("omar")


async def test_intent_is_never_replaced_and_whoever_comes_second_is_told(records: Database) -> None:
    await add_runs(records, a_run())
    async with records.write() as writer:
        await writer.record_intent(RUN, LATER)

    with pytest.raises(TakenOverError):
        async with records.write() as writer:
            await writer.record_intent(RUN, END)

    assert (await read_run(records)).intent_at == LATER


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        pytest.param({}, ["other", "apply", "prod", "plan"], id="none"),
        pytest.param({"limit": 2}, ["other", "apply"], id="limit"),
        pytest.param({"repo": REPO}, ["apply", "prod", "plan"], id="repository"),
        pytest.param({"repo": REPO, "pull": 8}, ["apply"], id="pull request"),
        pytest.param({"state_key": PROD.state_key}, ["prod"], id="state key"),
        pytest.param({"kinds": [RunKind.APPLY, RunKind.DRIFT]}, ["apply"], id="kinds"),
        pytest.param({"statuses": [RunStatus.PREPARING]}, ["plan"], id="status"),
        pytest.param({"pull": 9}, [], id="nothing fits"),
    ],
)
async def test_runs_are_found_newest_first(
    records: Database, filters: dict[str, Any], expected: list[str]
) -> None:
    await add_runs(
        records,
        a_run("plan"),
        a_run("prod", stack=PROD),
        a_run("apply", kind=RunKind.APPLY, pull=8),
        a_run("other", stack=replace(STAGING, repo="acme/other")),
    )
    async with records.write() as writer:
        await writer.move_run(
            RunId("plan"), RunStatus.PREPARING, at=LATER, actor=account("bot"), why="started"
        )

    async with records.read() as reader:
        found = await reader.runs(**filters)

    assert [run.id for run in found] == expected

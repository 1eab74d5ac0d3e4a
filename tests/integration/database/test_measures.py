from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from bot.adapters.database import Database, migrate
from bot.adapters.database.tables import core
from bot.domain.core.accounts import SELF
from bot.domain.core.model import FailureClass, RunId, RunKind, RunStatus
from bot.domain.measures.baseline import FactCount
from bot.domain.measures.counting import LeftOut, Result
from bot.ports.records.measures import FactFilter
from tests.fakes.records.rows import HEAD, NOW, PROD, REPO, STAGING, a_run
from tests.integration.database.old_rows import old_rows

WANTED = FactFilter(repo=REPO, env="staging", since=NOW, until=NOW + timedelta(days=1))


async def _ended(
    records: Database,
    number: int,
    *,
    kind: RunKind = RunKind.APPLY,
    status: RunStatus = RunStatus.SUCCEEDED,
    failure: FailureClass | None = None,
    seconds: int = 1,
    prod: bool = False,
) -> None:
    run, started = RunId(f"run-{number}"), NOW + timedelta(seconds=2)
    stack = PROD if prod else STAGING
    async with records.write() as writer:
        await writer.add_run(
            replace(a_run(), id=run, kind=kind, stack=stack, dedupe_key=f"key-{number}"), NOW
        )
        await writer.move_run(run, RunStatus.PREPARING, at=started, actor=SELF, why="started")
        if kind is RunKind.APPLY:
            await writer.record_intent(run, started)
        end = started + timedelta(seconds=seconds)
        await writer.move_run(run, status, at=end, actor=SELF, why="ended", failure_class=failure)


async def test_each_ended_run_is_counted_once_by_its_facts(records: Database) -> None:
    await _ended(records, 1)
    await _ended(records, 2)
    await _ended(records, 3, status=RunStatus.FAILED, failure=FailureClass.TERRAFORM)
    await _ended(records, 4, kind=RunKind.PLAN)
    await _ended(records, 5, prod=True)
    async with records.write() as writer:
        moved = await writer.move_run(RunId("run-1"), RunStatus.FAILED, at=NOW, actor=SELF, why="again")

    async with records.read() as reader:
        counts = await reader.fact_counts(WANTED)

    assert not moved
    fact = FactCount(
        is_verification=False,
        result=Result.SUCCESS,
        failure_class=None,
        left_out=None,
        was_retried=False,
        count=2,
    )
    failed = replace(fact, result=Result.FAILED, failure_class=FailureClass.TERRAFORM, count=1)
    plan = replace(fact, left_out=LeftOut.PLAN, count=1)
    assert sorted(counts, key=repr) == sorted([fact, failed, plan], key=repr)


async def test_times_are_found_by_rank_among_measured_runs(records: Database) -> None:
    for number, seconds in enumerate((5, 1, 9, 3)):
        await _ended(records, number, seconds=seconds)
    await _ended(records, 9, kind=RunKind.PLAN, seconds=100)

    async with records.read() as reader:
        run_ms = await reader.times_at(WANTED, "run_ms", [1, 2, 4])
        queue_ms = await reader.times_at(WANTED, "queue_ms", [1])
        nothing = await reader.times_at(replace(WANTED, env="ci"), "run_ms", [1])

    assert (run_ms, queue_ms, nothing) == ({1: 1000, 2: 3000, 4: 9000}, {1: 2000}, {})


async def test_runs_of_another_time_or_project_are_not_counted(records: Database) -> None:
    await _ended(records, 1)
    others = [
        replace(WANTED, until=NOW + timedelta(seconds=3)),
        replace(WANTED, since=NOW + timedelta(seconds=4)),
        replace(WANTED, project="other"),
        replace(WANTED, repo="acme/other"),
    ]

    async with records.read() as reader:
        assert [await reader.fact_counts(other) for other in others] == [[], [], [], []]
        assert await reader.fact_counts(replace(WANTED, project="default"))


async def test_runs_of_an_older_version_are_measured_by_the_migration(empty_url: str) -> None:
    ended = {"started_at": NOW, "finished_at": NOW + timedelta(seconds=4), "intent_at": NOW}
    with old_rows(empty_url, "0023") as old:
        for number in range(3):
            old.add(core.runs, _row(number, status="succeeded", **ended))
        old.add(core.runs, _row(3, status="running", started_at=NOW))

    await asyncio.to_thread(migrate, empty_url)

    database = Database(empty_url)
    async with database.read() as reader:
        counts = await reader.fact_counts(WANTED)
        times = await reader.times_at(WANTED, "run_ms", [3])
    await database.close()
    assert [(each.result, each.left_out, each.count) for each in counts] == [(Result.SUCCESS, None, 3)]
    assert times == {3: 4000}


def _row(number: int, **changes: object) -> dict[str, object]:
    return {
        "id": f"run-{number}",
        "kind": "apply",
        "repo": REPO,
        "project": "default",
        "env": "staging",
        "state_key": STAGING.state_key,
        "directory": STAGING.directory,
        "var_file": STAGING.var_file,
        "installation_id": 1,
        "head_sha": HEAD,
        "actor": "dana",
        "arguments": [],
        "correlation_id": "c",
        "dedupe_key": f"key-{number}",
        "detail": {},
        "created_at": NOW,
        **changes,
    }

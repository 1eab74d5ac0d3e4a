from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.domain.core.errors import GitHubUnavailableError, ObjectMissingError
from bot.domain.core.retries import Retries
from bot.engine import Engine, EngineError
from tests.integration.engine.conftest import Start
from tests.integration.engine.work import (
    PATIENCE,
    Recorder,
    Store,
    change,
    config,
    delivery,
    plan,
    report,
    until,
)


async def ended(store: Store, *statuses: str) -> bool:
    return (await store.statuses())[: len(statuses)] == list(statuses)


async def test_a_step_with_a_temporary_error_is_retried(start: Start, store: Store) -> None:
    recorder = Recorder()

    async def third_time(argument: str) -> None:
        if recorder.counted()["execute_plan", argument] < 3:
            raise GitHubUnavailableError("rate limit", status=429)

    recorder.behave["execute_plan"] = third_time
    engine = await start(recorder)

    await store.enqueue(engine, plan("r1"))
    await until(lambda: ("execute_plan", "r1") in recorder.finished)

    assert recorder.counted() == {("execute_plan", "r1"): 3}
    assert recorder.lost == []


async def test_reports_are_tried_for_longer_than_work(start: Start, store: Store) -> None:
    recorder = Recorder()

    async def fifth_time(argument: str) -> None:
        if recorder.counted()["report_change", argument] < 5:
            raise GitHubUnavailableError("away")

    recorder.behave["report_change"] = fifth_time
    engine = await start(recorder)

    await store.enqueue(engine, report("r1"), report("r2"))
    await until(lambda: ("report_change", "r2") in recorder.finished)

    assert recorder.finished == [("report_change", "r1"), ("report_change", "r2")]
    assert recorder.lost == []


async def test_pull_request_that_waits_for_github_holds_up_no_other(start: Start, store: Store) -> None:
    recorder = Recorder()
    back = asyncio.Event()

    async def away(argument: str) -> None:
        if argument == "r1":
            await back.wait()

    recorder.behave["report_change"] = away
    engine = await start(recorder)

    await store.enqueue(engine, report("r1"), report("r2"), report("r3", pull=2), plan("r4"))
    await until(lambda: len(recorder.finished) == 2)
    without = sorted(recorder.finished)
    back.set()
    await until(lambda: len(recorder.finished) == 4)

    assert without == [("execute_plan", "r4"), ("report_change", "r3")]
    assert recorder.finished[2:] == [("report_change", "r1"), ("report_change", "r2")]


@pytest.mark.parametrize(
    ("attempt", "asked", "waited"),
    [
        (1, None, 1.0),
        (2, None, 2.5),
        (9, None, 120.0),
        (1, 30.0, 30.0),
        (9, 30.0, 120.0),
        (1, 99_999.0, 3700.0),
    ],
)
def test_waits_grow_to_a_limit_and_respect_githubs_retry_after(
    attempt: int, asked: float | None, waited: float
) -> None:
    error = GitHubUnavailableError("rate limit", status=429, retry_after=asked)

    assert Retries().wait(attempt, error) == waited


async def test_after_the_last_attempt_somebody_is_told(start: Start, store: Store) -> None:
    recorder = Recorder()

    async def never(_: str) -> None:
        raise GitHubUnavailableError("rate limit", status=429)

    recorder.behave["execute_change"] = never
    engine = await start(recorder)

    await store.enqueue(engine, change("r1"), change("r2", key="other"))
    await until(lambda: len(recorder.lost) == 2)

    assert sorted(recorder.lost) == [
        ("execute_change", "r1", "GitHubUnavailableError: rate limit"),
        ("execute_change", "r2", "GitHubUnavailableError: rate limit"),
    ]
    assert recorder.counted() == {("execute_change", "r1"): 3, ("execute_change", "r2"): 3}


@pytest.mark.parametrize("error", [KeyError("typo"), ObjectMissingError("bundle")], ids=repr)
async def test_error_that_no_attempt_can_cure_is_told_at_once(
    start: Start, store: Store, error: Exception
) -> None:
    recorder = Recorder()

    async def broken(_: str) -> None:
        raise error

    recorder.behave["handle_delivery"] = broken
    engine = await start(recorder)

    await store.enqueue(engine, delivery("d1"))
    await until(lambda: len(recorder.lost) == 1)

    assert recorder.lost == [("handle_delivery", "d1", f"{type(error).__name__}: {error}")]
    assert recorder.calls == [("handle_delivery", "d1")]


async def test_lost_workflow_does_not_block_the_next_of_its_key(start: Start, store: Store) -> None:
    recorder = Recorder()

    async def first_fails(argument: str) -> None:
        if argument == "first":
            raise KeyError(argument)

    recorder.behave["handle_delivery"] = first_fails
    engine = await start(recorder)

    await store.enqueue(engine, delivery("first"), delivery("second"))
    await until(lambda: ("handle_delivery", "second") in recorder.finished)

    assert [argument for _, argument, _ in recorder.lost] == ["first"]


async def test_unreported_runs_are_reported_once_at_the_next_start(start: Start, store: Store) -> None:
    mute, second, third = Recorder(), Recorder(), Recorder()

    async def broken(_: str) -> None:
        raise KeyError("bug")

    def cannot() -> None:
        raise GitHubUnavailableError("down")

    mute.behave["handle_delivery"] = broken
    mute.tell = cannot
    engine = await start(mute)
    await store.enqueue(engine, delivery("d1"))
    await until(lambda: ended(store, "ERROR"))
    await engine.stop(PATIENCE)

    engine = await start(second)
    await until(lambda: len(second.lost) == 1)
    # The telling is marked just after it was done; a stop in between would have it told again, as it must.
    await asyncio.sleep(1)
    await engine.stop(PATIENCE)
    engine = await start(third)
    again = await engine.sweep()

    assert second.lost == [("handle_delivery", "d1", "KeyError: 'bug'")]
    assert (again, third.lost, third.calls) == (0, [], [])


@dataclass
class Stubborn(Recorder):
    """Somebody who cannot be told of the first delivery, ever."""

    async def _on_lost(self, workflow: str, argument: str, error: str) -> None:
        if argument == "d1":
            raise KeyError("its row contradicts another one")
        await super()._on_lost(workflow, argument, error)


async def test_unreportable_run_keeps_nobody_from_hearing_of_others(start: Start, store: Store) -> None:
    mute, stubborn = Recorder(), Stubborn()

    async def broken(_: str) -> None:
        raise KeyError("bug")

    def cannot() -> None:
        raise GitHubUnavailableError("down")

    mute.behave["handle_delivery"] = broken
    mute.tell = cannot
    engine = await start(mute)
    await store.enqueue(engine, delivery("d1"), delivery("d2"))
    await until(lambda: ended(store, "ERROR", "ERROR"))
    await engine.stop(PATIENCE)

    engine = await start(stubborn)
    await until(lambda: len(stubborn.lost) == 1)

    assert stubborn.lost == [("handle_delivery", "d2", "KeyError: 'bug'")]


async def test_workflows_that_no_code_knows_are_named(start: Start, store: Store) -> None:
    recorder = Recorder()
    engine = await start(recorder)
    renamed = replace(change("r1"), workflow="old_name")

    await store.enqueue(engine, renamed)
    await until(engine.stranded)
    found = await engine.stranded()

    assert [(one.id, one.workflow, one.partition) for one in found] == [
        ("run-r1", "old_name", "prod/terraform.tfstate")
    ]


async def test_finished_workflows_are_pruned_and_waiting_ones_stay(start: Start, store: Store) -> None:
    recorder = Recorder()
    hold = asyncio.Event()

    async def wait(argument: str) -> None:
        if argument == "waits":
            await hold.wait()

    recorder.behave["handle_delivery"] = wait
    engine = await start(recorder)
    await store.enqueue(engine, *(delivery(f"d{number}", key=str(number)) for number in range(5)))
    await until(lambda: len(recorder.finished) == 5)
    await store.enqueue(engine, delivery("waits"))

    early = await engine.prune(datetime(2020, 1, 1, tzinfo=UTC))
    await until(lambda: ended(store, *["SUCCESS"] * 5))
    late = await engine.prune(datetime(2120, 1, 1, tzinfo=UTC))
    hold.set()
    await until(lambda: ("handle_delivery", "waits") in recorder.finished)

    assert (early, late) == (0, 5)


async def test_a_second_engine_on_the_same_file_is_refused(start: Start, tmp_path: Path) -> None:
    first = await start(Recorder())
    second = Engine(config(tmp_path))

    with pytest.raises(EngineError, match="already runs on this data directory"):
        await second.start(Recorder().work())

    assert first.healthy()


async def test_second_engine_in_same_process_is_refused_and_changes_nothing(
    start: Start, store: Store, tmp_path: Path
) -> None:
    first, second = Recorder(), Recorder()
    engine = await start(first)
    other = tmp_path / "other"
    other.mkdir()

    with pytest.raises(EngineError, match="in this process"):
        await Engine(config(other)).start(second.work())
    await store.enqueue(engine, delivery("d1"))
    await until(lambda: len(first.finished) == 1)

    assert second.calls == []


async def test_a_stop_waits_for_a_call_in_progress(start: Start, store: Store) -> None:
    recorder = Recorder()
    release = asyncio.Event()

    async def wait(_: str) -> None:
        await release.wait()

    recorder.behave["execute_change"] = wait
    engine = await start(recorder)
    await store.enqueue(engine, change("r1"))
    await until(lambda: len(recorder.calls) == 1)

    stopping = asyncio.create_task(engine.stop(PATIENCE))
    await asyncio.sleep(0)
    release.set()
    await stopping

    assert ("execute_change", "r1") in recorder.finished
    assert not engine.healthy()


async def test_work_left_by_a_stop_follows_the_next_start(start: Start, store: Store) -> None:
    stuck, fresh = Recorder(), Recorder()

    async def for_ever(_: str) -> None:
        await asyncio.Event().wait()

    stuck.behave["execute_plan"] = for_ever
    engine = await start(stuck)
    await store.enqueue(engine, plan("r1"))
    await until(lambda: len(stuck.calls) == 1)
    await engine.stop(0)

    await start(fresh)
    await until(lambda: len(fresh.finished) == 1)

    assert (stuck.finished, stuck.lost) == ([], [])
    assert fresh.finished == [("execute_plan", "r1")]


async def test_a_stop_in_the_middle_of_a_rush_loses_nothing(start: Start, store: Store) -> None:
    jobs = [delivery(f"d{number}", key=str(number % 8)) for number in range(40)]
    first, second = Recorder(), Recorder()

    engine = await start(first)
    await store.enqueue(engine, *jobs)
    await until(lambda: len(first.calls) >= 5)
    await engine.stop(0)
    before = len(first.finished)
    await start(second)
    await until(
        lambda: set(first.finished) | set(second.finished) >= {("handle_delivery", j.argument) for j in jobs}
    )
    await until(lambda: ended(store, *["SUCCESS"] * 40))

    assert (first.lost, second.lost) == ([], [])
    assert len(first.finished) == before


async def test_a_stop_does_not_wait_for_the_next_attempt(start: Start, store: Store) -> None:
    failing, fresh = Recorder(), Recorder()

    async def down(_: str) -> None:
        raise GitHubUnavailableError("down")

    failing.behave["execute_plan"] = down
    engine = await start(failing, retries=Retries(attempts=3, first_wait=3600.0, factor=1.0))
    await store.enqueue(engine, plan("r1"))
    await until(lambda: ("execute_plan", "r1") in failing.calls)

    async with asyncio.timeout(PATIENCE):
        await engine.stop(3600)
    await start(fresh)
    await until(lambda: len(fresh.finished) == 1)

    assert fresh.calls == [("execute_plan", "r1")]


async def test_threads_can_still_be_used_after_a_stop(start: Start) -> None:
    engine = await start(Recorder())
    await engine.stop(0)

    assert await asyncio.to_thread(sum, (1, 2)) == 3


async def test_the_database_is_in_wal_mode(start: Start, store: Store) -> None:
    await start(Recorder())

    async with store.engine.connect() as connection:
        mode = await connection.scalar(sa.text("PRAGMA journal_mode"))

    assert mode == "wal"

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.engine import Engine, EngineError
from bot.ports import Job
from tests.integration.engine.conftest import Start
from tests.integration.engine.work import (
    Recorder,
    Store,
    change,
    config,
    delivery,
    plan,
    report_of_check,
    until,
)


async def test_jobs_of_one_key_run_in_order_one_by_one(start: Start, store: Store) -> None:
    recorder = Recorder()
    running: dict[str, int] = defaultdict(int)
    most: dict[str, int] = defaultdict(int)

    async def count(argument: str) -> None:
        key = argument.split("-", maxsplit=1)[0]
        running[key] += 1
        most[key] = max(most[key], running[key])
        await asyncio.sleep(0.001)
        running[key] -= 1

    recorder.behave["handle_delivery"] = count
    engine = await start(recorder)

    # Names fall while the order rises, and all come at the same moment: only the sequence tells the order.
    jobs = [delivery(f"key{number % 6}-{99 - number}", key=f"key{number % 6}") for number in range(60)]
    await store.enqueue(engine, *jobs)
    await until(lambda: len(recorder.finished) == 60)

    for key in range(6):
        arguments = [argument for _, argument in recorder.calls if argument.startswith(f"key{key}-")]
        assert arguments == [f"key{key}-{99 - number}" for number in range(key, 60, 6)]
    assert set(most.values()) == {1}


async def test_changes_of_different_states_run_at_the_same_time(start: Start, store: Store) -> None:
    recorder = Recorder()
    together = asyncio.Barrier(2)

    async def meet(_: str) -> None:
        await together.wait()

    recorder.behave["execute_change"] = meet
    engine = await start(recorder)

    await store.enqueue(engine, change("a", key="staging"), change("b", key="prod"))
    await until(lambda: len(recorder.finished) == 2)

    assert recorder.counted() == {("execute_change", run): 1 for run in "ab"}


async def test_reports_of_checks_delay_no_delivery_of_their_repository(start: Start, store: Store) -> None:
    # Given more reports on the checks of a repository than this process answers at once, none of which comes to an end,
    recorder, release = Recorder(), asyncio.Event()

    async def wait(_: str) -> None:
        await release.wait()

    recorder.behave["handle_check"] = wait
    engine = await start(recorder)
    reports = [report_of_check(f"r{number}", repo=f"acme/{number % 4}") for number in range(40)]
    await store.enqueue(engine, *reports)
    # when a push to the same repository is delivered, then it is handled at once.
    await store.enqueue(engine, delivery("push", key="acme/0"))
    await until(lambda: ("handle_delivery", "push") in recorder.finished)
    release.set()
    await until(lambda: len(recorder.finished) == 41)


async def test_a_delayed_job_waits_and_then_runs(start: Start, store: Store) -> None:
    # Given a job that is to wait for an hour, and one that is to wait for a moment,
    recorder = Recorder()
    engine = await start(recorder)
    # when both are queued,
    late = report_of_check("late", repo="acme/late", delay=timedelta(hours=1))
    await store.enqueue(engine, late, report_of_check("soon", delay=timedelta(milliseconds=100)))
    await until(lambda: ("handle_check", "soon") in recorder.finished)
    # then only the latter is done.
    assert recorder.calls == [("handle_check", "soon")]
    assert (await store.statuses())[0] == "DELAYED"


async def test_no_more_plans_run_at_once_than_the_cap_allows(start: Start, store: Store) -> None:
    recorder = Recorder()
    release = asyncio.Event()

    async def wait(_: str) -> None:
        await release.wait()

    recorder.behave["execute_plan"] = wait
    engine = await start(recorder, plans_per_worker=2)

    await store.enqueue(engine, *(plan(f"r{number}") for number in range(5)), delivery("after"))
    await until(lambda: ("handle_delivery", "after") in recorder.finished and len(recorder.calls) >= 3)
    depths = await engine.depths()
    started = [argument for step, argument in recorder.calls if step == "execute_plan"]
    release.set()
    await until(lambda: len(recorder.finished) == 6)

    assert sorted(started) == ["r0", "r1"]
    assert depths == {"changes": 0, "checks": 0, "inbox": 0, "outbox": 0, "plans": 3, "statuses": 0}


async def test_a_rolled_back_transaction_starts_nothing(start: Start, store: Store) -> None:
    recorder = Recorder()
    engine = await start(recorder)

    with pytest.raises(RuntimeError, match="rolled back"):
        await store.enqueue(engine, delivery("gone"), fail=True)
    await store.enqueue(engine, delivery("kept"))
    await until(lambda: len(recorder.finished) == 1)

    assert recorder.calls == [("handle_delivery", "kept")]
    assert await engine.depths() == {
        "changes": 0,
        "checks": 0,
        "inbox": 0,
        "outbox": 0,
        "plans": 0,
        "statuses": 0,
    }


async def test_known_id_is_started_once_however_often_it_is_enqueued(start: Start, store: Store) -> None:
    recorder = Recorder()
    engine = await start(recorder)

    await store.enqueue(engine, delivery("twice"), delivery("twice"))
    await until(lambda: len(recorder.finished) == 1)
    await store.enqueue(engine, delivery("twice"), delivery("later"))
    await until(lambda: len(recorder.finished) == 2)

    assert recorder.calls == [("handle_delivery", "twice"), ("handle_delivery", "later")]


async def test_jobs_wait_until_a_process_listens(start: Start, store: Store) -> None:
    idle, busy = Recorder(), Recorder()
    accepting = await start(idle, listen=False)
    await store.enqueue(accepting, delivery("one"), plan("two"))
    depths = await accepting.depths()
    await accepting.stop(0)

    await start(busy)
    await until(lambda: len(busy.finished) == 2)

    assert depths == {"changes": 0, "checks": 0, "inbox": 1, "outbox": 0, "plans": 1, "statuses": 0}
    assert idle.calls == []


async def test_job_can_be_enqueued_by_a_process_that_runs_nothing(
    start: Start, store: Store, tmp_path: Path
) -> None:
    recorder = Recorder()
    other = Engine(config(tmp_path))
    await other.migrate()
    await store.enqueue(other, delivery("from the command line"))

    await start(recorder)
    await until(lambda: len(recorder.finished) == 1)

    assert recorder.calls == [("handle_delivery", "from the command line")]


@pytest.mark.parametrize(
    "job",
    [
        pytest.param(
            Job(workflow="execute_change", id="x", argument="x", queue="changes", partition=""),
            id="change without a key",
        ),
        pytest.param(
            Job(workflow="execute_plan", id="x", argument="x", queue="nowhere", partition="key"),
            id="unknown queue",
        ),
    ],
)
async def test_a_job_that_nobody_would_run_is_refused(start: Start, store: Store, job: Job) -> None:
    engine = await start(Recorder())

    with pytest.raises(EngineError):
        await store.enqueue(engine, job)

    assert await engine.depths() == {
        "changes": 0,
        "checks": 0,
        "inbox": 0,
        "outbox": 0,
        "plans": 0,
        "statuses": 0,
    }


async def test_keys_take_turns_in_the_order_of_their_jobs(start: Start, store: Store) -> None:
    recorder = Recorder()
    engine = await start(recorder, deliveries_per_worker=1)

    # Keys come in no order of their own, and one comes twice.
    keys = [*(f"acme/infra#{(number * 7) % 12}" for number in range(12)), "acme/infra#0"]
    jobs = [delivery(f"{number}", key=key) for number, key in enumerate(keys)]
    await store.enqueue(engine, *jobs)
    await until(lambda: len(recorder.finished) == len(jobs))

    assert [argument for _, argument in recorder.calls] == [job.argument for job in jobs]


async def test_a_command_goes_before_what_was_queued_earlier(start: Start, store: Store) -> None:
    # Given as many deliveries in hand as may be that nobody waits for, and some more of them,
    recorder, release = Recorder(), asyncio.Event()

    async def wait(argument: str) -> None:
        if not argument.startswith("command"):
            await release.wait()

    recorder.behave["handle_delivery"] = wait
    engine = await start(recorder, deliveries_per_worker=4)
    await store.enqueue(engine, *(delivery(f"{number}", key=f"acme/infra#{number}") for number in range(8)))
    await until(lambda: len(recorder.calls) == 3)
    # when a command comes, then it is handled at once,
    await store.enqueue(engine, replace(delivery("command", key="acme/infra#100"), asked=True))
    await until(lambda: ("handle_delivery", "command") in recorder.finished)
    # and one on a pull request of which something else waits, behind that.
    await store.enqueue(engine, replace(delivery("command-behind", key="acme/infra#7"), asked=True))
    await until(lambda: ("handle_delivery", "7") in recorder.calls)
    started = [argument for _, argument in recorder.calls]
    # The first three are claimed together, and begin in any order.
    assert (set(started[:3]), started[3:]) == ({"0", "1", "2"}, ["command", "7"])
    release.set()
    await until(lambda: len(recorder.finished) == 10)

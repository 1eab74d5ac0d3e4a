from __future__ import annotations

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa

from bot.engine import Engine
from tests.fakes.postgres_server import running_postgres
from tests.integration.engine.conftest import opened
from tests.integration.engine.processes import read, worker, workers
from tests.integration.engine.work import Recorder, Store, change, config, delivery, plan, until


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server() -> AsyncIterator[str]:
    async with running_postgres() as url:
        yield url


@pytest.fixture
def postgresql(server: str) -> Iterator[str]:
    """URL of an empty database of this test's own."""
    name = f"test_{secrets.token_hex(6)}"
    url = sa.make_url(f"{server}/postgres").set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
        yield f"{server}/{name}"
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture
async def store(postgresql: str) -> AsyncIterator[Store]:
    async with opened(postgresql) as store:
        yield store


async def test_the_work_of_a_killed_process_is_taken_over_once(
    postgresql: str, store: Store, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    client = Engine(config(tmp_path, database_url=postgresql))
    await client.migrate()

    async with worker(postgresql, trace, "hang") as first:
        await store.enqueue(client, change("c1"), change("c2"))
        await first.wait_for("execute_change")
        async with worker(postgresql, trace) as second:
            await store.enqueue(client, delivery("d1"))
            await until(lambda: any(step == "handle_delivery" for step, _, _ in read(trace)))
            before = [line for line in read(trace) if line[:2] == ("execute_change", "c2")]
            await first.kill()
            await until(lambda: ("execute_change", "c2", second.process.pid) in read(trace))

    steps = Counter((step, argument) for step, argument, _ in read(trace))
    assert before == []
    assert (steps["execute_change", "c1"], steps["execute_change", "c2"]) == (2, 1)


async def test_a_living_process_keeps_its_work(postgresql: str, store: Store, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    client = Engine(config(tmp_path, database_url=postgresql))
    await client.migrate()

    async with worker(postgresql, trace, "hang") as first:
        await store.enqueue(client, change("c1"))
        await first.wait_for("execute_change")
        async with worker(postgresql, trace):
            beats = await _beats(store)
            await until(lambda: _beaten(store, beats, seconds=5))

    assert [line for line in read(trace) if line[0] != "ready"] == [
        ("execute_change", "c1", first.process.pid)
    ]


async def test_process_that_slept_ends_after_its_work_is_taken_over(
    postgresql: str, store: Store, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    client = Engine(config(tmp_path, database_url=postgresql))
    await client.migrate()

    async with worker(postgresql, trace, "hang") as sleeper:
        await store.enqueue(client, change("c1"))
        await sleeper.wait_for("execute_change")
        sleeper.pause()
        async with worker(postgresql, trace) as other:
            await until(lambda: ("execute_change", "c1", other.process.pid) in read(trace))
            await store.enqueue(client, *(plan(f"p{number}") for number in range(8)))
            sleeper.resume()
            await sleeper.wait_for("displaced")
            code = await sleeper.process.wait()
            await until(lambda: sum(step == "execute_plan" for step, _, _ in read(trace)) == 8)
            running = await _beats(store)

    steps = Counter((step, argument) for step, argument, _ in read(trace) if argument != "-")
    assert code == 0
    assert (steps.pop(("execute_change", "c1")), set(steps.values())) == (2, {1})
    assert len(running) == 1


async def test_the_dead_are_succeeded_once_however_many_survive(
    postgresql: str, store: Store, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    client = Engine(config(tmp_path, database_url=postgresql))
    await client.migrate()
    keys = [f"k{number}" for number in range(2)]

    async with worker(postgresql, trace, "hang") as dying:
        await store.enqueue(client, *(change(f"c{key}", key=key) for key in keys))
        await until(lambda: sum(step == "execute_change" for step, _, _ in read(trace)) == len(keys))
        async with workers(postgresql, trace, count=2):
            await dying.kill()
            await until(lambda: sum(step == "execute_change" for step, _, _ in read(trace)) == 2 * len(keys))
            await store.enqueue(client, delivery("last"))
            await until(lambda: any(step == "handle_delivery" for step, _, _ in read(trace)))

    steps = Counter((step, argument) for step, argument, _ in read(trace))
    assert {steps["execute_change", f"c{key}"] for key in keys} == {2}


async def test_jobs_of_one_key_run_in_order_on_any_process(
    postgresql: str, store: Store, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    client = Engine(config(tmp_path, database_url=postgresql))
    jobs = [delivery(f"{key}-{number:02d}", key=key) for number in range(10) for key in ("k1", "k2", "k3")]

    async with workers(postgresql, trace, "ends", count=2):
        await store.enqueue(client, *jobs)
        await until(lambda: sum(step == "ended" for step, _, _ in read(trace)) == len(jobs))
    lines = [line for line in read(trace) if line[0] != "ready"]

    for key in ("k1", "k2", "k3"):
        mine = [(step, argument) for step, argument, _ in lines if argument.startswith(key)]
        numbers = [f"{key}-{number:02d}" for number in range(10)]
        assert mine == [(step, name) for name in numbers for step in ("handle_delivery", "ended")]
    assert len({pid for _, _, pid in lines}) == 2


async def test_own_cap_and_a_differing_shared_cap_are_reported(
    postgresql: str, store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    release = asyncio.Event()

    async def wait(_: str) -> None:
        await release.wait()

    recorder = Recorder()
    recorder.behave["execute_plan"] = wait
    engine = Engine(config(tmp_path, database_url=postgresql, plans_per_worker=3, plans_global=8))
    await engine.start(recorder.work())
    # Another process starts later, with other settings.
    front = Engine(
        config(tmp_path, database_url=postgresql, plans_per_worker=1, plans_global=8, listen=False)
    )
    await front.start(Recorder().work())
    other = Engine(config(tmp_path, database_url=postgresql, plans_per_worker=1, plans_per_repository=2))
    with caplog.at_level(logging.WARNING):
        await asyncio.to_thread(other._storage.register_queues)

    await store.enqueue(front, *(plan(f"{repo}{number}", repo=repo) for repo in "ab" for number in range(4)))
    await until(lambda: len(recorder.calls) == 3)
    depths = await front.depths()
    release.set()
    await until(lambda: len(recorder.finished) == 8)
    for one in (other, front, engine):
        await one.stop(5)

    assert depths["plans"] == 5
    assert (
        "queue plans: this process was given None over all workers and 2 per key, stored are 8" in caplog.text
    )


async def test_plans_of_one_repository_keep_its_cap_across_processes(
    postgresql: str, store: Store, tmp_path: Path
) -> None:
    started: list[str] = []
    release = asyncio.Event()

    async def wait(argument: str) -> None:
        started.append(argument)
        await release.wait()

    recorder = Recorder()
    recorder.behave["execute_plan"] = wait
    engine = Engine(config(tmp_path, database_url=postgresql, plans_per_worker=6, plans_per_repository=2))
    await engine.start(recorder.work())

    await store.enqueue(engine, *(plan(f"busy{number}", repo="acme/busy") for number in range(5)))
    await store.enqueue(engine, plan("calm", repo="acme/calm"), delivery("after"))
    await until(lambda: "calm" in started and len(started) == 3)
    before = sorted(started)
    release.set()
    await until(lambda: len(recorder.finished) == 7)
    await engine.stop(5)

    assert before == ["busy0", "busy1", "calm"]


async def test_work_queued_elsewhere_is_heard_also_after_a_lost_connection(
    postgresql: str, store: Store, tmp_path: Path
) -> None:
    recorder = Recorder()
    engine = Engine(config(tmp_path, database_url=postgresql, poll_seconds=3600.0))
    await engine.start(recorder.work())
    # It has no part in the engine above, as if it were the front on another machine.
    front = Engine(config(tmp_path, database_url=postgresql))

    for number in range(3):
        await store.enqueue(front, delivery(str(number)))
        await until(lambda: len(recorder.finished) == number + 1)  # noqa: B023 -- Awaited in this turn.
    async with store.engine.begin() as connection:
        await connection.execute(sa.text(_CUT_OFF))
    await store.enqueue(front, delivery("while nobody heard"))
    await until(lambda: len(recorder.finished) == 4)
    await engine.stop(5)


async def test_no_more_plans_of_one_environment_run_than_its_cap(
    postgresql: str, store: Store, tmp_path: Path
) -> None:
    started: list[str] = []
    release = asyncio.Event()

    async def wait(argument: str) -> None:
        started.append(argument)
        await release.wait()

    recorder = Recorder()
    recorder.behave["execute_plan"] = wait
    engine = Engine(config(tmp_path, database_url=postgresql, plans_per_worker=8, plans_per_environment=2))
    await engine.start(recorder.work())

    await store.enqueue(engine, *(plan(f"prod{number}", env="prod") for number in range(5)))
    await store.enqueue(engine, plan("staging", env="staging"), plan("other", repo="acme/other", env="prod"))
    await until(lambda: len(started) == 4)
    await store.enqueue(engine, plan("of none"))
    await until(lambda: "of none" in started)
    before = sorted(started)
    release.set()
    await until(lambda: len(recorder.finished) == 8)
    await engine.stop(5)

    assert before == ["of none", "other", "prod0", "prod1", "staging"]


async def test_applies_of_one_environment_keep_its_cap_across_processes(
    postgresql: str, store: Store, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    client = Engine(config(tmp_path, database_url=postgresql))

    def started() -> set[str]:
        return {argument for step, argument, _ in read(trace) if step == "execute_change"}

    async with workers(postgresql, trace, "hang", "capped", count=2):
        await store.enqueue(client, *(change(f"prod{number}", f"key{number}", "prod") for number in range(6)))
        await store.enqueue(client, change("staging", "key", "staging"))
        await until(lambda: len(started()) == 3)
        # Each look goes through every key: while these are found, the rest of prod is passed by again and again.
        for name in ("one", "two", "three"):
            await store.enqueue(client, change(name, name, name))
            await until(lambda: name in started())  # noqa: B023 -- Awaited in this turn.

    assert len([name for name in started() if name.startswith("prod")]) == 2
    assert started() >= {"staging", "one", "two", "three"}


_CUT_OFF = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN gatewright%'"


async def _beats(store: Store) -> dict[str, float]:
    query = "SELECT executor_id, extract(epoch FROM beat_at) FROM gatewright_engine_heartbeats"
    async with store.engine.connect() as connection:
        return {name: float(at) for name, at in await connection.execute(sa.text(query))}


async def _beaten(store: Store, since: dict[str, float], *, seconds: float) -> bool:
    """Whether every process has said for so long that it lives."""
    now = await _beats(store)
    return now.keys() == since.keys() and all(now[name] - since[name] > seconds for name in now)


async def test_the_engine_works_on_postgresql(postgresql: str, store: Store, tmp_path: Path) -> None:
    recorder = Recorder()
    engine = Engine(config(tmp_path, database_url=postgresql, changes_global=4, poll_seconds=0.05))
    await engine.start(recorder.work())
    foreign = replace(change("old", key="k9"), workflow="old_name")

    with pytest.raises(RuntimeError, match="rolled back"):
        await store.enqueue(engine, change("gone"), fail=True)
    for number in range(12):
        await store.enqueue(engine, change(f"{number:02d}", key=f"k{number % 3}"))
    await until(lambda: len(recorder.finished) == 12)
    depths, healthy = await engine.depths(), engine.healthy()
    await store.enqueue(engine, foreign)
    await until(engine.stranded)
    await engine.stop(5)

    for key in range(3):
        mine = [a for step, a in recorder.calls if step == "execute_change" and int(a) % 3 == key]
        assert mine == [f"{number:02d}" for number in range(key, 12, 3)]
    assert (depths, healthy) == (
        {"changes": 0, "checks": 0, "inbox": 0, "outbox": 0, "plans": 0, "statuses": 0},
        True,
    )
    assert await _beats(store) == {}

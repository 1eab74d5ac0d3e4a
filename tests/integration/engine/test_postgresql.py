from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.engine import Engine
from tests.integration.database.postgres_server import running_postgres
from tests.integration.engine.conftest import opened
from tests.integration.engine.processes import read, worker
from tests.integration.engine.work import Recorder, Store, change, config, delivery, until


@pytest.fixture
async def postgresql() -> AsyncIterator[str]:
    """URL of an empty database on a server of this test's own."""
    async with running_postgres() as server:
        url = sa.make_url(f"{server}/postgres").set(drivername="postgresql+psycopg")
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text("CREATE DATABASE bot"))
        engine.dispose()
        yield f"{server}/bot"


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

    async with worker(postgresql, trace, hang=True) as first:
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

    async with worker(postgresql, trace, hang=True) as first:
        await store.enqueue(client, change("c1"))
        await first.wait_for("execute_change")
        async with worker(postgresql, trace):
            beats = await _beats(store)
            await until(lambda: _beaten(store, beats, times=12))

    assert [line for line in read(trace) if line[0] != "ready"] == [
        ("execute_change", "c1", first.process.pid)
    ]


async def _beats(store: Store) -> dict[str, float]:
    query = "SELECT executor_id, extract(epoch FROM beat_at) FROM gatewright_engine_heartbeats"
    async with store.engine.connect() as connection:
        return {name: float(at) for name, at in await connection.execute(sa.text(query))}


async def _beaten(store: Store, since: dict[str, float], *, times: int) -> bool:
    """Whether every process has said so often that it lives."""
    now = await _beats(store)
    return now.keys() == since.keys() and all(now[name] - since[name] > times * 0.2 for name in now)


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
    assert (depths, healthy) == ({"changes": 0, "inbox": 0, "outbox": 0, "plans": 0}, True)
    assert await _beats(store) == {}

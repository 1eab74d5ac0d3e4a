"""PostgreSQL away for longer than a process may be silent."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg

from bot.engine import Engine
from tests.fakes.postgres_server import stoppable_postgres
from tests.integration.engine.conftest import opened
from tests.integration.engine.processes import read, worker
from tests.integration.engine.work import change, config, delivery, until
from tests.integration.engine.worker import TAKEOVER_SECONDS


async def test_nobody_is_taken_for_dead_because_the_database_was_away(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    async with stoppable_postgres() as server:
        url = f"{server.url}/postgres"
        client = Engine(config(tmp_path, database_url=url))
        await client.migrate()
        # Given two processes, one of them at work on a change, and a database that is away for longer than the
        # silence that is taken for death,
        async with worker(url, trace, "hang") as first, worker(url, trace, "hang") as second:
            async with opened(url) as store:
                await store.enqueue(client, change("c1"))
            await until(lambda: any(step == "execute_change" for step, _, _ in read(trace)))
            await server.stop()
            await asyncio.sleep(2 * TAKEOVER_SECONDS)
            # when it is back and both have said again and again that they live,
            await server.start()
            await until(lambda: asyncio.to_thread(_living, url))
            before = await asyncio.to_thread(_beats, url)
            await until(lambda: asyncio.to_thread(_have_gone_on, url, before, 2 * TAKEOVER_SECONDS))
            # then none was displaced, the change is where it was, and new work is taken up.
            async with opened(url) as store:
                await store.enqueue(client, delivery("d1"))
            await until(lambda: any(step == "handle_delivery" for step, _, _ in read(trace)))
            running = [first.process.returncode, second.process.returncode]
    steps = [step for step, _, _ in read(trace)]
    assert ("displaced" in steps, steps.count("execute_change"), running) == (False, 1, [None, None])


def _beats(url: str) -> dict[str, float]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT executor_id, extract(epoch FROM beat_at) FROM gatewright_engine_heartbeats"
        ).fetchall()
    return {str(executor): float(at) for executor, at in rows}


def _living(url: str) -> bool:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM gatewright_engine_heartbeats WHERE beat_at > pg_postmaster_start_time()"
        ).fetchone()
    return row is not None and row[0] > 0


def _have_gone_on(url: str, before: dict[str, float], seconds: float) -> bool:
    """Whether every process that lives now has done so for that long."""
    now = _beats(url)
    return all(at - before.get(executor, 0.0) > seconds for executor, at in now.items())

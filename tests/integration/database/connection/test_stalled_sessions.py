"""Sessions of a process that stands still, on PostgreSQL: what it held is free again before long."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from bot.adapters.database import Database, migrate
from bot.adapters.database.connection.errors import DatabaseUnavailableError
from bot.adapters.database.connection.schema import schema_status
from bot.cli.export import Request, write_audit
from bot.cli.stop import go, stop
from bot.domain.core.model import RunId, RunStatus
from bot.domain.core.session_limits import SessionLimits
from bot.engine import Engine, migrate_engine
from bot.settings import EnvironmentSecrets, read
from tests.fakes.accounts import account
from tests.fakes.records.rows import NOW, a_delivery, a_job, a_run
from tests.integration.engine.processes import worker
from tests.integration.engine.work import config
from tests.stalls.proxy import StallingProxy, stalling_proxy

LIMITS = SessionLimits(takeover_seconds=2)


@pytest.fixture
def kind() -> str:
    """SQLite has no server that could end anything."""
    return "postgresql"


@pytest.fixture
async def proxy(fresh_url: str) -> AsyncIterator[StallingProxy]:
    port = sa.make_url(fresh_url).port
    assert port is not None
    async with stalling_proxy(port) as proxy:
        yield proxy


def through(proxy: StallingProxy, url: str) -> str:
    query = {"sslmode": "disable", "gssencmode": "disable"}
    return sa.make_url(url).set(port=proxy.port, query=query).render_as_string(hide_password=False)


async def end(database: Database, status: RunStatus) -> bool:
    async with database.write() as writer:
        return await writer.move_run(RunId("run-1"), status, at=NOW, actor=account("x"), why="y")


async def test_what_a_stalled_transaction_holds_is_free_before_a_takeover(
    fresh_url: str, proxy: StallingProxy
) -> None:
    stalled = Database(through(proxy, fresh_url), limits=LIMITS)
    other = Database(fresh_url)
    async with other.write() as writer:
        await writer.add_run(a_run(), NOW)
    # Given a process that stands still while it holds a run's row,
    proxy.stalls_after = lambda message: "UPDATE runs" in message.statement and message.kind == "Z"
    first = asyncio.create_task(end(stalled, RunStatus.CANCELED))
    await proxy.stalled.wait()

    # when another one wants the row,
    async with asyncio.timeout(10):
        moved = await end(other, RunStatus.PREPARING)
    proxy.release()
    with pytest.raises(DatabaseUnavailableError) as failure:
        await first

    # then that one gets it, and the first fails in a way that passes, and can go on.
    assert moved
    assert failure.value.temporary
    assert "did not continue its transaction" in str(failure.value)
    assert await end(stalled, RunStatus.RUNNING)
    for database in (stalled, other):
        await database.close()


async def test_a_large_answer_that_nobody_reads_holds_nothing_for_long(
    fresh_url: str, proxy: StallingProxy
) -> None:
    url = through(proxy, fresh_url)
    other = Database(fresh_url)
    async with other.write() as writer:
        await writer.add_run(a_run(), NOW)
    # Given a session that has locked a row, and whose client reads nothing of a large answer,
    proxy.stalls_after = lambda message: "repeat" in message.statement and message.kind == "D"
    parameters = LIMITS.parameters({})

    def ask() -> None:
        with psycopg.connect(url, **parameters) as connection:  # type: ignore[arg-type]
            connection.execute("SELECT id FROM runs FOR UPDATE")
            connection.execute("SELECT repeat('x', 1000000) FROM generate_series(1, 200)")

    asking = asyncio.create_task(asyncio.to_thread(ask))
    await proxy.stalled.wait()

    # when another one wants the row, then it gets it.
    async with asyncio.timeout(20):
        moved = await end(other, RunStatus.PREPARING)
    proxy.release()
    with pytest.raises(psycopg.OperationalError):
        await asking
    assert moved
    await other.close()


async def test_no_session_begins_without_limits(
    fresh_url: str, proxy: StallingProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = through(proxy, fresh_url)
    monkeypatch.setenv("GATEWRIGHT_DATABASE_URL", url)
    monkeypatch.setenv("GATEWRIGHT_DATA_DIR", str(tmp_path))
    # With stand-ins for all that has nothing to do with the database.
    settings = read(tmp_path / "none").settings
    engine = Engine(config(tmp_path, database_url=url))
    database = Database(url, engine.enqueue, limits=engine.session_limits)
    trace = tmp_path / "trace"
    monkeypatch.setattr(sys, "stdout", io.StringIO())

    await asyncio.to_thread(migrate, url)
    await asyncio.to_thread(migrate_engine, url)
    await asyncio.to_thread(schema_status, url)
    async with worker(url, trace) as working:
        async with database.write() as writer:
            await writer.add_delivery(a_delivery("guid-1"))
            await writer.enqueue(a_job("job-1"))
        await working.wait_for(a_job("job-1").workflow)
    await stop(settings, "for a test")
    await go(settings)
    asked = Request(since=None, until=None, repo=None, output=None)
    await write_audit(settings, EnvironmentSecrets({}), asked)
    await asyncio.to_thread(engine._storage.close)
    await database.close()

    assert len(proxy.greetings) > 10
    for limit in (
        "idle_in_transaction_session_timeout",
        "statement_timeout",
        "tcp_user_timeout",
        "gatewright",
    ):
        assert [text for text in proxy.greetings if limit not in text] == []


async def test_the_server_takes_the_limits(fresh_url: str) -> None:
    names = ("idle_in_transaction_session_timeout", "statement_timeout", "lock_timeout", "application_name")
    limits = SessionLimits(takeover_seconds=8, name="gatewright-test")
    database = Database(fresh_url, limits=limits)

    async with database._writing.connect() as connection:
        found = [(await connection.exec_driver_sql(f"SHOW {name}")).scalar() for name in names]
        probes = (await connection.exec_driver_sql("SHOW tcp_keepalives_idle")).scalar()
    await database.close()

    assert found == ["4s", "1min", "30s", "gatewright-test"]
    assert probes == "2"

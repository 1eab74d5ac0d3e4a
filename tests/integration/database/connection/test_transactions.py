"""What parallel readers and writers may expect of each other, on both databases."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.adapters.database import Database
from bot.adapters.database.connection.errors import DatabaseError
from bot.adapters.database.queries.reader import SqlReader
from bot.adapters.database.tables import core
from bot.domain.core.model import DeliveryId, RunId, RunStatus
from tests.fakes.accounts import account
from tests.fakes.records.rows import NOW, STAGING, a_delivery, a_job, a_lock, a_run
from tests.integration.conftest import Inspector

WRITERS = 50
ELSEWHERE = (
    "INSERT INTO deliveries (id, event, payload, received_at) "
    "VALUES ('guid-1', 'push', '', '2026-03-01 00:00:00')"
)


async def receive(records: Database, number: int) -> None:
    """Do what the webhook does: look, record, enqueue, in one transaction."""
    async with records.write() as writer:
        assert await writer.delivery(DeliveryId(f"guid-{number}")) is None
        assert await writer.add_delivery(a_delivery(f"guid-{number}"))
        await writer.enqueue(a_job(f"job-{number}"))


async def test_fifty_parallel_deliveries_are_all_recorded_and_started(
    records: Database, inspector: Inspector
) -> None:
    await asyncio.gather(*(receive(records, number) for number in range(WRITERS)))

    assert sorted(inspector.started()) == sorted(f"job-{number}" for number in range(WRITERS))
    assert inspector.rows("SELECT count(DISTINCT priority) FROM started") == [(WRITERS,)]
    assert inspector.rows("SELECT count(*) FROM deliveries") == [(WRITERS,)]


async def test_a_second_process_may_write_at_the_same_time(
    url: str, records: Database, inspector: Inspector
) -> None:
    other = Database(url, inspector.start)

    await asyncio.gather(*(receive(other if number % 2 else records, number) for number in range(WRITERS)))

    assert len(inspector.started()) == WRITERS
    await other.close()


async def test_of_many_takers_of_a_lock_one_gets_it(records: Database) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run(), NOW)

    async def take(pull: int) -> int:
        async with records.write() as writer:
            return (await writer.take_lock(a_lock(pull))).pull

    holders = await asyncio.gather(*(take(pull) for pull in range(20)))

    async with records.read() as reader:
        lock = await reader.lock(STAGING)
    assert lock is not None
    assert set(holders) == {lock.pull}


async def test_of_many_who_end_a_run_at_once_one_does(records: Database) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run(), NOW)

    async def end() -> bool:
        async with records.write() as writer:
            return await writer.move_run(
                RunId("run-1"), RunStatus.CANCELED, at=NOW, actor=account("x"), why="y"
            )

    moved = await asyncio.gather(*(end() for _ in range(20)))

    assert moved.count(True) == 1


async def test_reader_sees_committed_rows_and_waits_for_no_writer(records: Database) -> None:
    async with asyncio.timeout(10), records.write() as writer:
        await writer.add_delivery(a_delivery())
        async with records.read() as reader:
            during = await reader.delivery(DeliveryId("guid-1"))
    async with records.read() as reader:
        after = await reader.delivery(DeliveryId("guid-1"))

    assert during is None
    assert after is not None


async def test_one_reading_transaction_sees_one_moment(records: Database) -> None:
    async with records.read() as reader:
        before = await reader.runs()
        async with records.write() as writer:
            await writer.add_run(a_run(), NOW)
        again = await reader.runs()

    assert list(before) == list(again) == []


async def test_a_reading_transaction_cannot_write(records: Database) -> None:
    async def write_in_a_reading_transaction() -> None:
        async with records.read() as reader:
            assert isinstance(reader, SqlReader)
            await reader._connection.execute(sa.delete(core.runs))

    with pytest.raises(DatabaseError):
        await write_in_a_reading_transaction()


async def test_a_cancelled_writer_leaves_nothing_behind_and_blocks_nobody(records: Database) -> None:
    inside = asyncio.Event()

    async def write_for_ever() -> None:
        async with records.write() as writer:
            await writer.add_delivery(a_delivery("guid-1"))
            inside.set()
            await asyncio.Event().wait()

    async with asyncio.timeout(20):
        holding = asyncio.create_task(write_for_ever())
        await inside.wait()
        waiting = [asyncio.create_task(receive(records, number)) for number in range(10, 13)]
        await asyncio.sleep(0)
        for task in (waiting[0], holding):
            task.cancel()
        await asyncio.gather(holding, *waiting, return_exceptions=True)
        await receive(records, 20)

    async with records.read() as reader:
        assert await reader.delivery(DeliveryId("guid-1")) is None
        for number in (11, 12, 20):
            assert await reader.delivery(DeliveryId(f"guid-{number}")) is not None


async def test_writer_cancelled_while_it_waits_for_another_process_blocks_nobody(
    records: Database, inspector: Inspector
) -> None:
    async with asyncio.timeout(20):
        with inspector.engine.begin() as elsewhere:
            elsewhere.execute(sa.text(ELSEWHERE))
            waiting = asyncio.create_task(_add(records, "guid-1"))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(waiting), 0.2)
            waiting.cancel()

        await asyncio.gather(waiting, return_exceptions=True)
        await receive(records, 2)

    assert waiting.cancelled()


async def _add(records: Database, id: str) -> None:
    async with records.write() as writer:
        await writer.add_delivery(a_delivery(id))


@pytest.mark.parametrize("kind", ["sqlite"])
async def test_files_of_the_database_are_readable_by_their_owner_alone(
    records: Database, tmp_path: Path
) -> None:
    (tmp_path / "bot.db").chmod(0o644)
    reopened = Database(f"sqlite:///{tmp_path}/bot.db")

    async with records.write() as writer:
        await writer.add_delivery(a_delivery())
        modes = _modes(tmp_path)

    await reopened.close()
    assert modes == dict.fromkeys(["bot.db", "bot.db-wal", "bot.db-shm"], 0o600)


def _modes(directory: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.glob("bot.db*")}

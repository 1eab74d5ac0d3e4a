from __future__ import annotations

from datetime import timedelta, timezone

import pytest

from bot.adapters.database import Database
from bot.adapters.database.connection.errors import DatabaseError
from bot.domain.core.model import DeliveryId
from tests.fakes.records.rows import NOW, REPO, a_delivery, a_job
from tests.integration.conftest import Inspector


async def test_a_delivery_comes_back_as_it_was_recorded(records: Database) -> None:
    async with records.write() as writer:
        assert await writer.add_delivery(a_delivery())

    async with records.read() as reader:
        assert await reader.delivery(DeliveryId("guid-1")) == a_delivery()
        assert await reader.delivery(DeliveryId("guid-2")) is None


async def test_a_redelivery_is_recognised_and_changes_nothing(records: Database) -> None:
    async with records.write() as writer:
        await writer.add_delivery(a_delivery())

    async with records.write() as writer:
        added = await writer.add_delivery(a_delivery(payload=b"other"))
        kept = await writer.delivery(DeliveryId("guid-1"))

    assert not added
    assert kept == a_delivery()


async def test_time_of_any_zone_comes_back_as_utc_instant(records: Database) -> None:
    tokyo = NOW.astimezone(timezone(timedelta(hours=9)))

    async with records.write() as writer:
        await writer.add_delivery(a_delivery(received_at=tokyo))
        kept = await writer.delivery(DeliveryId("guid-1"))

    assert kept is not None
    assert kept.received_at.isoformat() == "2026-03-01T12:00:00.123456+00:00"


async def test_a_time_without_a_zone_is_refused(records: Database) -> None:
    with pytest.raises(DatabaseError):
        async with records.write() as writer:
            await writer.add_delivery(a_delivery(received_at=NOW.replace(tzinfo=None)))


async def test_outcome_of_a_delivery_is_kept_with_any_characters(
    records: Database,
) -> None:
    async with records.write() as writer:
        await writer.add_delivery(a_delivery())

    async with records.write() as writer:
        await writer.finish_delivery(DeliveryId("guid-1"), "failed", "odd \x00 text \ud800")

    async with records.read() as reader:
        kept = await reader.delivery(DeliveryId("guid-1"))
    assert kept is not None
    assert (kept.outcome, kept.note) == ("failed", "odd � text ?")


async def test_finishing_an_unknown_delivery_is_an_error(records: Database) -> None:
    with pytest.raises(DatabaseError, match="no record guid-9"):
        async with records.write() as writer:
            await writer.finish_delivery(DeliveryId("guid-9"), "handled", "")


async def test_comment_is_handled_by_one_delivery_and_its_repetition_only(records: Database) -> None:
    first, second = DeliveryId("guid-1"), DeliveryId("guid-2")

    async with records.write() as writer:
        assert await writer.claim_comment(REPO, 2**41, first)

    async with records.write() as writer:
        assert not await writer.claim_comment(REPO, 2**41, second)
        assert await writer.claim_comment(REPO, 2**41, first)
        assert await writer.claim_comment("acme/other", 2**41, second)


async def test_jobs_start_with_the_transaction_and_in_its_order(
    records: Database, inspector: Inspector
) -> None:
    async with records.write() as writer:
        await writer.add_delivery(a_delivery())
        await writer.enqueue(a_job("one"))
        await writer.enqueue(a_job("two"))

    async with records.write() as writer:
        await writer.enqueue(a_job("three"))

    assert inspector.started() == ["one", "two", "three"]


async def test_an_abandoned_transaction_leaves_neither_delivery_nor_job(
    records: Database, inspector: Inspector
) -> None:
    async def write_and_fail() -> None:
        async with records.write() as writer:
            await writer.add_delivery(a_delivery())
            await writer.enqueue(a_job())
            raise LookupError("the handler failed")

    with pytest.raises(LookupError):
        await write_and_fail()

    async with records.read() as reader:
        assert await reader.delivery(DeliveryId("guid-1")) is None
    assert inspector.started() == []


async def test_a_job_enqueued_twice_starts_once(records: Database, inspector: Inspector) -> None:
    async with records.write() as writer:
        await writer.enqueue(a_job("one"))
        await writer.enqueue(a_job("one"))

    async with records.write() as writer:
        await writer.enqueue(a_job("one"))

    assert inspector.started() == ["one"]


async def test_numbers_of_jobs_are_never_used_again(records: Database, inspector: Inspector) -> None:
    async with records.write() as writer:
        await writer.enqueue(a_job("old"))
    before = inspector.rows("SELECT priority FROM started")
    inspector.execute("DELETE FROM jobs")
    inspector.execute("DELETE FROM started")

    async with records.write() as writer:
        await writer.enqueue(a_job("new"))

    assert inspector.rows("SELECT priority FROM started") > before


async def test_a_process_without_a_durable_engine_cannot_enqueue(url: str) -> None:
    database = Database(url)

    with pytest.raises(DatabaseError, match="no durable engine"):
        async with database.write() as writer:
            await writer.enqueue(a_job())

    await database.close()

"""A run that somebody else ends while a worker is about to carry it out, or the other way round."""

from __future__ import annotations

import asyncio

import pytest

from bot.adapters.database import Database
from bot.domain.core.errors import TakenOverError
from bot.domain.core.model import Run, RunId, RunKind, RunStatus
from bot.services.runs.requests import cancel_run
from bot.services.runs.run_start import begin
from tests.fakes.accounts import account
from tests.fakes.clock import HandClock
from tests.fakes.records.rows import NOW, a_run
from tests.integration.conftest import Inspector

RUN = RunId("run-1")
DANA = account("dana")
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


@pytest.fixture
async def queued(records: Database) -> Run:
    async with records.write() as writer:
        run = await writer.add_run(a_run(RUN, kind=RunKind.APPLY), NOW)
    assert run is not None
    return run


async def status_of(records: Database) -> RunStatus:
    async with records.read() as reader:
        run = await reader.run(RUN)
    assert run is not None
    return run.status


@pytest.mark.usefixtures("queued")
@pytest.mark.parametrize("end", [RunStatus.CANCELED, RunStatus.FAILED])
async def test_what_has_ended_is_not_begun_any_more(records: Database, end: RunStatus) -> None:
    async with records.write() as writer:
        await writer.move_run(RUN, end, at=NOW, actor=account("another-worker"), why="it is over")

    with pytest.raises(TakenOverError):
        async with records.write() as writer:
            await writer.record_intent(RUN, NOW)

    async with records.read() as reader:
        run = await reader.run(RUN)
    assert run is not None
    assert run.intent_at is None


async def test_run_started_during_its_cancellation_is_not_reported_as_unstarted(
    records: Database, queued: Run
) -> None:
    assert await begin(records, RUN, HandClock(), why="asking the gates") is not None

    async with records.write() as writer:
        await cancel_run(writer, queued, DANA, NOW)

    async with records.read() as reader:
        run = await reader.run(RUN)
    assert run is not None
    assert (run.status, run.cancel_requested_by) == (RunStatus.PREPARING, DANA)


async def test_run_cancelled_during_its_start_is_not_executed(
    records: Database, queued: Run, kind: str, inspector: Inspector
) -> None:
    async with asyncio.timeout(20), records.write() as writer:
        await cancel_run(writer, queued, DANA, NOW)
        beginning = asyncio.create_task(begin(records, RUN, HandClock(), why="asking the gates"))
        # On SQLite it waits for its turn to write, on PostgreSQL until the row is free.
        while kind == "postgresql" and await asyncio.to_thread(inspector.rows, WAITING) == [(0,)]:
            pass

    assert await beginning is None
    assert await status_of(records) is RunStatus.CANCELED

"""The webhook, the records and the engine together on one SQLite file."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.adapters.database import Database, migrate
from bot.domain.core.model import DeliveryId
from bot.engine import Engine, EngineConfig, Work
from bot.engine.config import WORKFLOWS
from bot.metrics import Metrics
from bot.web.services import WebServices
from tests.fakes.clock import HandClock
from tests.integration.engine.work import until
from tests.integration.web.conftest import Serve
from tests.integration.web.world import SECRET, comment, deliver


@pytest.mark.slow
async def test_every_acknowledged_delivery_is_handled_once_and_in_order(tmp_path: Path, serve: Serve) -> None:
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    await asyncio.to_thread(migrate, url)
    engine = Engine(EngineConfig(database_url=url))
    database = Database(url, engine.enqueue)
    handled: list[str] = []
    lost: list[str] = []

    async def handle(id: str) -> None:
        async with database.write() as writer:
            await writer.finish_delivery(DeliveryId(id), "handled", "")
        handled.append(id)

    async def on_lost(_: str, argument: str, error: str) -> None:
        lost.append(f"{argument}: {error}")

    async def nothing(_: str) -> None: ...

    await engine.start(
        Work(**dict.fromkeys(WORKFLOWS, nothing) | {"handle_delivery": handle}, on_lost=on_lost)
    )
    client = await serve(
        WebServices(
            records=database, clock=HandClock(), metrics=Metrics(), version="1", webhook_secret=SECRET
        )
    )

    async def send(pull: int) -> list[str]:
        """One pull request's deliveries, each sent when the one before was acknowledged."""
        acknowledged = []
        for _ in range(15):
            answer = await deliver(client, comment(pull))
            assert answer.status == 202
            acknowledged.append(answer.body["delivery"])
        return acknowledged

    sent = await asyncio.gather(*(send(pull) for pull in range(20)))
    await until(lambda: len(handled) + len(lost) == 300)
    await engine.stop(5)
    await database.close()

    assert lost == []
    for acknowledged in sent:
        mine = set(acknowledged)
        assert [one for one in handled if one in mine] == acknowledged

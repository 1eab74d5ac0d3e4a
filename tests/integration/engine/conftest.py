from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest

from bot.engine import Engine
from tests.integration.engine.work import Recorder, Store, config


class Start(Protocol):
    async def __call__(self, recorder: Recorder, **changes: object) -> Engine: ...


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Start engines on one SQLite file, one after another; stop what still runs."""
    engines: list[Engine] = []

    async def begin(recorder: Recorder, **changes: object) -> Engine:
        engine = Engine(config(tmp_path, **changes))
        engines.append(engine)
        await engine.start(recorder.work())
        return engine

    yield begin
    for engine in engines:
        if engine.healthy():
            await engine.stop(0)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(config(tmp_path).database_url) as store:
        yield store


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Store]:
    store = Store(url)
    try:
        yield store
    finally:
        await store.close()

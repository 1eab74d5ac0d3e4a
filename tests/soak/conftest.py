"""A database server for the tests of several workers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.fakes.postgres_server import running_postgres


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server() -> AsyncIterator[str]:
    async with running_postgres() as url:
        yield url

"""A fleet per test on a database of its own, because these tests kill and replace its processes."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio

from tests.e2e.workers.crowd import CROWDS
from tests.e2e.workers.fleet import Fleet
from tests.fakes.postgres_server import running_postgres


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server() -> AsyncIterator[str]:
    async with running_postgres() as url:
        yield url


@pytest.fixture
async def fleet(server: str, tmp_path: Path) -> AsyncIterator[Fleet]:
    name = f"fleet_{secrets.token_hex(6)}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    fleet = Fleet(directory=tmp_path, repositories=CROWDS, limits=False, database_url=f"{server}/{name}")
    try:
        await fleet.start()
        yield fleet
    finally:
        await fleet.stop(keep=False)
    assert fleet.github.violations == []
    assert fleet.github.crashes == []

from __future__ import annotations

import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
import pytest_asyncio
import sqlalchemy as sa
from psycopg import sql

from bot.adapters.database import Database, migrate
from bot.adapters.database.connection.engines import migration_engine, parse_url
from bot.adapters.database.tables.core import metadata
from bot.ports import Job
from tests.fakes.postgres_server import running_postgres


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres_server() -> AsyncIterator[str]:
    async with running_postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    """Every test that touches a database runs on both."""
    return str(request.param)


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a database of its own, without tables."""
    if kind == "sqlite":
        yield f"sqlite:///{tmp_path}/bot.db"
        return
    server: str = request.getfixturevalue("postgres_server")
    name = f"test_{secrets.token_hex(6)}"
    _administer(server, f"CREATE DATABASE {name}")
    yield f"{server}/{name}"
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, made once because a copy costs a hundredth of it."""
    file = tmp_path_factory.mktemp("migrated") / "bot.db"
    migrate(f"sqlite:///{file}")
    assert not file.with_name("bot.db-wal").exists()
    return file


@pytest.fixture
def fresh_url(request: pytest.FixtureRequest, kind: str, empty_url: str) -> str:
    """The URL of a database of its own, migrated."""
    if kind == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_file"), empty_url.removeprefix("sqlite:///"))
    else:
        migrate(empty_url)
    return empty_url


@pytest.fixture(scope="session")
def shared_postgres(postgres_server: str) -> str:
    """The URL of a migrated PostgreSQL database, made once because making one takes long."""
    _administer(postgres_server, "CREATE DATABASE shared")
    migrate(f"{postgres_server}/shared")
    return f"{postgres_server}/shared"


@pytest.fixture
def url(request: pytest.FixtureRequest, kind: str) -> str:
    """The URL of a migrated database without a record."""
    if kind == "sqlite":
        return str(request.getfixturevalue("fresh_url"))
    url: str = request.getfixturevalue("shared_postgres")
    names = sql.SQL(", ").join(sql.Identifier(name) for name in metadata.tables)
    with psycopg.connect(url) as connection:
        connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(names))
        connection.execute("DROP TABLE IF EXISTS started")
    return url


def _administer(server: str, statement: LiteralString) -> None:
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(statement)


class Inspector:
    """A second pair of eyes on the database, beside the code under test."""

    def __init__(self, url: str) -> None:
        self.engine = migration_engine(parse_url(url))
        with self.engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE started (job TEXT, priority BIGINT, argument TEXT)"))

    def start(self, connection: sa.Connection, job: Job, sequence: int) -> None:
        """Stand in for the durable engine: whatever it writes belongs to the caller's transaction."""
        values = {"job": job.id, "priority": sequence, "argument": job.argument}
        connection.execute(sa.text("INSERT INTO started VALUES (:job, :priority, :argument)"), values)

    def started(self) -> list[str]:
        """Return the ids of the jobs started, by priority."""
        return [str(row[0]) for row in self.rows("SELECT job FROM started ORDER BY priority")]

    def arguments(self) -> list[str]:
        """Return what the jobs are about, by priority."""
        return [str(row[0]) for row in self.rows("SELECT argument FROM started ORDER BY priority")]

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Return what a query finds."""
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]

    def execute(self, statement: str) -> None:
        """Change the database behind the back of the code under test."""
        with self.engine.begin() as connection:
            connection.execute(sa.text(statement))


@pytest.fixture
def inspector(url: str) -> Iterator[Inspector]:
    inspector = Inspector(url)
    yield inspector
    inspector.engine.dispose()


@pytest.fixture
async def records(url: str, inspector: Inspector) -> AsyncIterator[Database]:
    database = Database(url, inspector.start)
    yield database
    await database.close()

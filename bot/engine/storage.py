"""The engine's side of the database: the library's tables, its client, and what we read from them ourselves."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import sys
from functools import cached_property

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer

from bot.engine import caps
from bot.engine.config import APPLICATION, EngineConfig, EngineError
from bot.engine.history import History


class Storage:
    """Connections that are opened when they are first needed."""

    def __init__(self, config: EngineConfig) -> None:
        self._config = config

    @cached_property
    def client(self) -> DBOSClient:
        """What enqueues; it needs no running engine."""
        return DBOSClient(
            system_database_url=self._config.database_url,
            serializer=DBOSPortableJSONSerializer(),
            application_name=APPLICATION,
            lazy=True,
        )

    @cached_property
    def sql(self) -> sa.Engine:
        """Our own connections, for counts and heartbeats."""
        url = self._config.url
        driver = "sqlite+pysqlite" if url.drivername == "sqlite" else "postgresql+psycopg"
        return sa.create_engine(
            url.set(drivername=driver), hide_parameters=True, pool_size=2, pool_pre_ping=True
        )

    @cached_property
    def history(self) -> History:
        """Questions about workflows."""
        return History(self.sql, self.client)

    def close(self) -> None:
        """Close what was opened."""
        if "client" in self.__dict__:
            self.client.destroy()
        if "sql" in self.__dict__:
            self.sql.dispose()

    def migrate(self) -> None:
        """Create or update the library's tables; EngineError where this SQLite is too old for it."""
        file = self._config.sqlite_file
        if file is not None:
            require_sqlite(sys.version_info[:2], sqlite3.sqlite_version_info)
            with contextlib.closing(sqlite3.connect(file)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
        quieten()
        DBOS.migrate(self._config.database_url)

    def register_queues(self) -> None:
        """Store the queues before the launch: pollers of known ones start at once, of new ones a second late."""
        caps.register(self.client, self._config)


def migrate_engine(database_url: str) -> None:
    """Create or update the engine's tables; a second process waits for the first and finds nothing to do."""
    storage = Storage(EngineConfig(database_url=database_url))
    try:
        storage.migrate()
    finally:
        storage.close()


def quieten() -> None:
    """Let the library's warnings reach our own log, and nothing else of it."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    logger.propagate = True
    logger.setLevel(logging.WARNING)


def require_sqlite(python: tuple[int, ...], sqlite: tuple[int, ...]) -> None:
    """Raise EngineError where the library would fail in words that nobody understands."""
    needed = (3, 42) if python >= (3, 12) else (3, 35)
    if sqlite < needed:
        raise EngineError(
            f"Python {'.'.join(map(str, python))} with SQLite {'.'.join(map(str, sqlite))} cannot run the engine: "
            f"SQLite {'.'.join(map(str, needed))} or newer is needed, or PostgreSQL."
        )

"""The engine's connections, the library's tables and its client."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import sys
from dataclasses import replace
from functools import cached_property
from typing import Any, cast

import psycopg
import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer
from sqlalchemy.engine import ExceptionContext

from bot.domain.core.session_limits import TAKEOVER_SECONDS, SessionLimits
from bot.engine import concurrency
from bot.engine.config import APPLICATION, EngineConfig, EngineError
from bot.engine.history import History


class Storage:
    """Connections that are opened when they are first needed."""

    def __init__(self, config: EngineConfig, limits: SessionLimits) -> None:
        self._config = config
        self._limits = limits

    @cached_property
    def client(self) -> DBOSClient:
        """What enqueues; it needs no running engine."""
        return DBOSClient(
            system_database_url=self._config.database_url,
            system_database_engine=self.library,
            serializer=DBOSPortableJSONSerializer(),
            application_name=APPLICATION,
            lazy=True,
        )

    @cached_property
    def sql(self) -> sa.Engine:
        """Our own connections, for counts and heartbeats."""
        url = self._config.url
        if url.drivername == "sqlite":
            url = url.set(drivername="sqlite+pysqlite")
        else:
            url = url.set(drivername="postgresql+psycopg", query=self._limits.parameters(url.query))
        return sa.create_engine(url, hide_parameters=True, pool_size=2, pool_pre_ping=True)

    @cached_property
    def library(self) -> sa.Engine | None:
        """The library's connections on PostgreSQL; on SQLite it makes its own."""
        url = self._config.url
        if url.drivername == "sqlite":
            return None
        # The library takes a refused lock for a lost race, and fails elsewhere.
        limits = replace(self._limits, lock_seconds=0)
        engine = sa.create_engine(
            url.set(drivername="postgresql+psycopg", query=limits.parameters(url.query)),
            hide_parameters=True,
            pool_size=20,
            max_overflow=0,
            pool_timeout=30,
            pool_pre_ping=True,
        )
        sa.event.listen(engine, "handle_error", _try_again)
        return engine

    def listen(self) -> psycopg.Connection:
        """Open a connection for notifications."""
        url = self._config.url
        parameters = self._limits.parameters(url.query)
        address = url.set(query={}).render_as_string(hide_password=False)
        return psycopg.connect(address, autocommit=True, **cast("dict[str, Any]", parameters))

    @cached_property
    def history(self) -> History:
        """Questions about workflows."""
        return History(self.sql, self.client)

    def close(self) -> None:
        """Close the connections."""
        if "client" in self.__dict__:
            self.client.destroy()
        for engine in (self.__dict__.get("library"), self.__dict__.get("sql")):
            if engine is not None:
                engine.dispose()

    def migrate(self) -> None:
        """Create or update the library's tables; EngineError where this SQLite is too old for it."""
        file = self._config.sqlite_file
        if file is not None:
            require_sqlite(sys.version_info[:2], sqlite3.sqlite_version_info)
            with contextlib.closing(sqlite3.connect(file)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
        quieten()
        if file is not None:
            DBOS.migrate(self._config.database_url)
            return
        # What a statement of a migration has to do depends on the size of the tables.
        limits = replace(self._limits, statement_seconds=0, lock_seconds=0)
        url = self._config.url
        DBOS.migrate(url.set(query=limits.parameters(url.query)).render_as_string(hide_password=False))

    def register_queues(self) -> None:
        """Store the queues before the launch, so that their pollers start immediately."""
        concurrency.register(self.client, self._config)


def migrate_engine(database_url: str, *, takeover_seconds: float = TAKEOVER_SECONDS) -> None:
    """Create or update the engine's tables; safe in several processes in parallel."""
    limits = SessionLimits(takeover_seconds=takeover_seconds)
    storage = Storage(EngineConfig(database_url=database_url), limits)
    try:
        storage.migrate()
    finally:
        storage.close()


def _try_again(context: ExceptionContext) -> None:
    """Report a limit as a lost connection, after which alone the library retries."""
    error = context.original_exception
    if isinstance(error, psycopg.errors.QueryCanceled | psycopg.errors.IdleInTransactionSessionTimeout):
        context.is_disconnect = True
        context.invalidate_pool_on_disconnect = False


def quieten() -> None:
    """Log the library's warnings, and nothing below them."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    logger.propagate = True
    logger.setLevel(logging.WARNING)


def require_sqlite(python: tuple[int, ...], sqlite: tuple[int, ...]) -> None:
    """Raise EngineError where this SQLite is too old for the library."""
    needed = (3, 42) if python >= (3, 12) else (3, 35)
    if sqlite < needed:
        raise EngineError(
            f"Python {'.'.join(map(str, python))} with SQLite {'.'.join(map(str, sqlite))} cannot run the engine: "
            f"SQLite {'.'.join(map(str, needed))} or newer is needed, or PostgreSQL."
        )

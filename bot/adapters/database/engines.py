"""Connections to SQLite and PostgreSQL, set up so that parallel writers wait instead of failing."""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from bot.adapters.database.errors import DatabaseSettingError, DatabaseUnavailableError, hidden
from bot.domain.session_limits import USUAL, SessionLimits

_WAIT_SECONDS: Final = 30
_PROBE_SECONDS: Final = 2.0
"""Readiness waits so long for the write lock, which is less than its own patience."""
_PRIVATE: Final = 0o600
_KINDS: Final = frozenset({"sqlite", "postgresql"})
_POSTGRESQL_POOL: Final[dict[str, Any]] = {
    "hide_parameters": True,
    "pool_pre_ping": True,
    "pool_size": 5,
    "max_overflow": 5,
    "pool_timeout": _WAIT_SECONDS,
}


def parse_url(text: str) -> sa.URL:
    """Return the URL of a usable database; DatabaseSettingError says what is wrong, without its password."""
    try:
        url = sa.make_url(text)
    except ArgumentError:
        # The cause is left out on purpose: its text may repeat the URL with the password.
        raise DatabaseSettingError(
            "The database URL is not one: give sqlite:////path/file.db or postgresql://…"
        ) from None
    if url.drivername not in _KINDS:
        raise DatabaseSettingError(
            f"{hidden(url)} is neither sqlite:////path/file.db nor postgresql://… (no driver name is needed)."
        )
    if is_sqlite(url):
        if not url.database or url.database == ":memory:":
            raise DatabaseSettingError(
                "SQLite needs a file, for example sqlite:////var/lib/gatewright/bot.db."
            )
        require_sqlite(sys.version_info[:2], sqlite3.sqlite_version_info)
    return url


def is_sqlite(url: sa.URL) -> bool:
    """Whether the database is a SQLite file."""
    return url.get_backend_name() == "sqlite"


def require_sqlite(python: tuple[int, ...], sqlite: tuple[int, ...]) -> None:
    """Raise DatabaseSettingError where this Python's SQLite is too old for us or for the durable engine."""
    needed = (3, 42) if python >= (3, 12) else (3, 35)
    if sqlite >= needed:
        return
    raise DatabaseSettingError(
        f"Python {'.'.join(map(str, python))} here has SQLite {'.'.join(map(str, sqlite))}; Gatewright needs "
        f"{'.'.join(map(str, needed))} or newer with it. Use PostgreSQL, or a Python with a newer SQLite."
    )


def prepare_file(url: sa.URL) -> None:
    """Create the SQLite file where it is missing, readable by its owner alone; its log files inherit that."""
    if not is_sqlite(url):
        return
    path = Path(str(url.database))
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, _PRIVATE))
        path.chmod(_PRIVATE)
    except OSError as exc:
        raise DatabaseSettingError(f"The database file {path} cannot be opened: {exc.strerror}.") from exc


def prove_writable(url: sa.URL) -> None:
    """Raise DatabaseUnavailableError while another process keeps the SQLite file from being written to; blocking.

    It has a connection of its own: the writer's only one is for work.
    """
    if not is_sqlite(url):
        return
    try:
        with closing(
            sqlite3.connect(str(url.database), timeout=_PROBE_SECONDS, isolation_level=None)
        ) as probe:
            probe.execute("BEGIN IMMEDIATE")
            probe.execute("ROLLBACK")
    except sqlite3.Error as exc:
        raise DatabaseUnavailableError("The database file cannot be written to: others hold it.") from exc


def writer_engine(url: sa.URL, limits: SessionLimits) -> AsyncEngine:
    """Return the engine of writing transactions: on SQLite one connection, which begins IMMEDIATE."""
    if not is_sqlite(url):
        return create_async_engine(_limited(url, "postgresql+psycopg", limits), **_POSTGRESQL_POOL)
    # A pool of one queues writers fairly here; more of them would fight for SQLite's one write lock.
    engine = create_async_engine(
        url.set(drivername="sqlite+aiosqlite"), **_sqlite_options(), pool_size=1, max_overflow=0
    )
    _set_up_sqlite(engine.sync_engine, writes=True)
    return engine


def reader_engine(url: sa.URL, writer: AsyncEngine) -> AsyncEngine:
    """Return the engine of reading transactions, which see one moment and cannot write."""
    if not is_sqlite(url):
        return writer.execution_options(postgresql_readonly=True, isolation_level="REPEATABLE READ")
    engine = create_async_engine(url.set(drivername="sqlite+aiosqlite"), **_sqlite_options(), pool_size=4)
    _set_up_sqlite(engine.sync_engine, writes=False)
    return engine


def migration_engine(url: sa.URL, limits: SessionLimits = USUAL) -> sa.Engine:
    """Return a synchronous engine for one migration or a look at the schema."""
    if not is_sqlite(url):
        return sa.create_engine(
            _limited(url, "postgresql+psycopg", limits), poolclass=sa.pool.NullPool, hide_parameters=True
        )
    engine = sa.create_engine(
        url.set(drivername="sqlite+pysqlite"),
        poolclass=sa.pool.NullPool,
        hide_parameters=True,
        connect_args=_sqlite_options()["connect_args"],
    )
    _set_up_sqlite(engine, writes=True)
    return engine


def _limited(url: sa.URL, driver: str, limits: SessionLimits) -> sa.URL:
    return url.set(drivername=driver, query=limits.parameters(url.query))


def _sqlite_options() -> dict[str, Any]:
    return {
        "hide_parameters": True,
        # The driver begins no transaction of its own accord; the `begin` event does, in the way we need.
        "connect_args": {"isolation_level": None, "timeout": _WAIT_SECONDS},
    }


def _set_up_sqlite(engine: sa.Engine, *, writes: bool) -> None:
    @sa.event.listens_for(engine, "connect")
    def set_up(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={_WAIT_SECONDS * 1000}")
        cursor.execute("PRAGMA foreign_keys=ON")
        # A file that could not be written to at all could not share the write-ahead log with its writer,
        # so readers are held back by the connection and not by the way the file is opened.
        cursor.execute("PRAGMA journal_mode=WAL" if writes else "PRAGMA query_only=ON")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # A deferred transaction that reads and then writes fails at once when another one wrote meanwhile.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

"""Engines for SQLite and PostgreSQL, configured so that parallel writers wait, not fail."""

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

from bot.adapters.database.connection.errors import DatabaseSettingError, DatabaseUnavailableError, hidden
from bot.adapters.database.connection.sqlite_driver import SqliteConnection, SqliteDriver
from bot.domain.core.session_limits import USUAL, SessionLimits

_WAIT_SECONDS: Final = 30
_PROBE_SECONDS: Final = 2.0
"""How long the readiness check waits for SQLite's write lock; shorter than its own time-out."""
_PRIVATE: Final = 0o600
_KINDS: Final = frozenset({"sqlite", "postgresql"})
_POSTGRESQL_POOL: Final[dict[str, Any]] = {
    # Errors must not contain the values of statements.
    "hide_parameters": True,
    # Finds out before use that the server has closed a pooled connection, for example in a restart.
    "pool_pre_ping": True,
    "pool_size": 5,
    "max_overflow": 5,
    "pool_timeout": _WAIT_SECONDS,
}


def parse_url(text: str) -> sa.URL:
    """Parse a database URL; the message of DatabaseSettingError never contains the password."""
    try:
        url = sa.make_url(text)
    except ArgumentError:
        # The cause is dropped: its text may contain the URL with the password.
        raise DatabaseSettingError(
            "The database URL is invalid: use sqlite:////path/file.db or postgresql://…"
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
    """Raise DatabaseSettingError if SQLite is too old for Gatewright or for the durable engine."""
    # 3.35 is the first version with RETURNING; from Python 3.12 on, the durable engine needs 3.42.
    needed = (3, 42) if python >= (3, 12) else (3, 35)
    if sqlite >= needed:
        return
    raise DatabaseSettingError(
        f"Python {'.'.join(map(str, python))} here has SQLite {'.'.join(map(str, sqlite))}; Gatewright needs "
        f"{'.'.join(map(str, needed))} or newer with it. Use PostgreSQL, or a Python with a newer SQLite."
    )


def prepare_file(url: sa.URL) -> None:
    """Create the SQLite file if it is missing, readable and writable by its owner only."""
    if not is_sqlite(url):
        return
    path = Path(str(url.database))
    try:
        # SQLite creates its journal files with the permissions of this file.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, _PRIVATE))
        path.chmod(_PRIVATE)
    except OSError as exc:
        raise DatabaseSettingError(f"The database file {path} cannot be opened: {exc.strerror}.") from exc


def prove_writable(url: sa.URL) -> None:
    """Raise DatabaseUnavailableError if the SQLite file is not writable; blocks for up to 2 s."""
    if not is_sqlite(url):
        return
    # A separate connection, because the writer's only connection may be busy.
    try:
        with closing(
            sqlite3.connect(str(url.database), timeout=_PROBE_SECONDS, isolation_level=None)
        ) as probe:
            probe.execute("BEGIN IMMEDIATE")
            probe.execute("ROLLBACK")
    except sqlite3.Error as exc:
        raise DatabaseUnavailableError(
            "The database file cannot be written to: another process has locked it."
        ) from exc


def writer_engine(url: sa.URL, limits: SessionLimits) -> AsyncEngine:
    """Return the engine for writing transactions."""
    if not is_sqlite(url):
        return create_async_engine(_limited(url, "postgresql+psycopg", limits), **_POSTGRESQL_POOL)
    # SQLite has one write lock. A pool of one connection queues the writers of this process in order; several
    # connections would compete for the lock, and some would time out.
    return _sqlite_engine(url, writes=True, pool_size=1, max_overflow=0)


def reader_engine(url: sa.URL, writer: AsyncEngine) -> AsyncEngine:
    """Return the engine for read-only transactions, each of which sees one snapshot."""
    if not is_sqlite(url):
        return writer.execution_options(postgresql_readonly=True, isolation_level="REPEATABLE READ")
    return _sqlite_engine(url, writes=False, pool_size=4)


def migration_engine(url: sa.URL, limits: SessionLimits = USUAL) -> sa.Engine:
    """Return a synchronous engine for migrations and for reading the schema's revision."""
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

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _sqlite_engine(url: sa.URL, *, writes: bool, **pool: Any) -> AsyncEngine:
    engine = create_async_engine(
        url.set(drivername="sqlite+aiosqlite"), module=SqliteDriver(), **_sqlite_options(), **pool
    )
    _set_up_sqlite(engine.sync_engine, writes=writes)
    # A deferred transaction that reads and then writes fails at once when another one wrote meanwhile.
    statement = "BEGIN IMMEDIATE" if writes else "BEGIN"

    @sa.event.listens_for(engine.sync_engine, "begin")
    def begin(connection: sa.Connection) -> None:
        opened = connection.connection.dbapi_connection
        if isinstance(opened, SqliteConnection):
            opened.begin_later(statement)

    return engine


def _limited(url: sa.URL, driver: str, limits: SessionLimits) -> sa.URL:
    return url.set(drivername=driver, query=limits.parameters(url.query))


def _sqlite_options() -> dict[str, Any]:
    return {
        "hide_parameters": True,
        # The driver must not begin transactions: the `begin` event below does, with the right mode.
        "connect_args": {"isolation_level": None, "timeout": _WAIT_SECONDS},
    }


def _set_up_sqlite(engine: sa.Engine, *, writes: bool) -> None:
    @sa.event.listens_for(engine, "connect")
    def set_up(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={_WAIT_SECONDS * 1000}")
        cursor.execute("PRAGMA foreign_keys=ON")
        # Readers share the write-ahead log with the writer, for which the file has to be open for writing. So the
        # pragma makes them read-only, not the mode in which the file is opened.
        cursor.execute("PRAGMA journal_mode=WAL" if writes else "PRAGMA query_only=ON")
        cursor.close()

"""SQLite in a thread per connection, with one trip to it for each statement.

SQLAlchemy's own adapter makes four: for a cursor, for the statement, for its rows and for the cursor's end. Each wakes
the thread and then the event loop, which costs more than most of our statements. Here the transaction begins on the
trip of its first statement, and one that has not begun is ended without any.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

import aiosqlite
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
    AsyncAdapt_aiosqlite_ss_cursor,
)
from sqlalchemy.util import immutabledict


class SqliteDriver(AsyncAdapt_aiosqlite_dbapi):
    """What SQLAlchemy takes for the module of the driver."""

    def __init__(self) -> None:
        super().__init__(aiosqlite, sqlite3)

    def connect(self, *args: Any, **named: Any) -> SqliteConnection:
        """Open a connection and start its thread."""
        return SqliteConnection(self, super().connect(*args, **named).driver_connection)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ran:
    """The result of a statement after its cursor is closed."""

    description: Any = None
    rowcount: int = -1
    lastrowid: int = 0
    arraysize: int = 1

    def close(self) -> None:
        """It is closed already."""


_NOT_RUN: Final = _Ran()


class _Cursor(AsyncAdapt_aiosqlite_cursor):
    """A cursor that is closed in the thread once its rows are read."""

    __slots__ = ()
    _awaitable_cursor_close = False
    _adapt_connection: SqliteConnection

    def __init__(self, adapt_connection: Any) -> None:
        # That of the superclass goes to the thread for a cursor of the driver's.
        self._adapt_connection = adapt_connection
        self._connection = adapt_connection.driver_connection
        self._soft_closed_memoized = immutabledict()
        self._cursor: Any = _NOT_RUN
        self._rows = deque()

    async def _execute_async(self, operation: Any, parameters: Any) -> Any:
        await self._go(operation, () if parameters is None else parameters)

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> Any:
        await self._go(operation, seq_of_parameters, many=True)

    async def _go(self, operation: str, parameters: Any, *, many: bool = False) -> None:
        async with self._adapt_connection._execute_mutex:  # noqa: SLF001 -- The superclass takes it, too.
            self._cursor, rows = await self._adapt_connection.run(operation, parameters, many=many)
        self._rows = deque(rows)


class _StreamingCursor(AsyncAdapt_aiosqlite_ss_cursor):
    """A cursor whose rows are fetched on demand."""

    __slots__ = ()
    _adapt_connection: SqliteConnection

    async def _execute_async(self, operation: Any, parameters: Any) -> Any:
        await self._adapt_connection.begin()
        return await super()._execute_async(operation, parameters)


class SqliteConnection(AsyncAdapt_aiosqlite_connection):
    """A connection that can defer the beginning of a transaction."""

    __slots__ = ("_beginning", "_is_settled")
    _cursor_cls = _Cursor
    _ss_cursor_cls = _StreamingCursor

    def __init__(self, dbapi: SqliteDriver, connection: Any) -> None:
        super().__init__(dbapi, connection)
        self._beginning: str | None = None
        self._is_settled = True

    def begin_later(self, statement: str) -> None:
        """Run this before the next statement."""
        self._beginning = statement

    async def begin(self) -> None:
        """Begin the deferred transaction."""
        if self._beginning is not None:
            await self.run("SELECT 1", ())

    def commit(self) -> None:
        """Commit the transaction."""
        if not self._is_over():
            super().commit()

    def rollback(self) -> None:
        """Roll back the transaction."""
        if not self._is_over():
            super().rollback()

    async def run(self, statement: str, parameters: Any, *, many: bool = False) -> tuple[_Ran, list[Any]]:
        """Run a statement in the thread; returns its result and its rows."""
        # Where this is cancelled, the thread may yet begin a transaction.
        self._is_settled = False
        ran: tuple[_Ran, list[Any]] = await self._connection._execute(  # noqa: SLF001 -- The one way to the thread.
            self._run, statement, parameters, many
        )
        self._is_settled = True
        return ran

    def _run(self, statement: str, parameters: Any, many: bool) -> tuple[_Ran, list[Any]]:  # noqa: FBT001
        connection = self._connection._conn  # noqa: SLF001 -- See above.
        if self._beginning is not None:
            connection.execute(self._beginning)
            self._beginning = None
        execute = connection.executemany if many else connection.execute
        cursor: sqlite3.Cursor = execute(statement, parameters)
        try:
            rows = cursor.fetchall() if cursor.description else []
            return _Ran(
                description=cursor.description, rowcount=cursor.rowcount, lastrowid=cursor.lastrowid or 0
            ), rows
        finally:
            cursor.close()

    def _is_over(self) -> bool:
        """Whether there is no transaction, so that the thread need not be asked."""
        if not self._is_settled or self._connection._connection is None:  # noqa: SLF001 -- See above.
            return False
        self._beginning = None
        return not self._connection.in_transaction

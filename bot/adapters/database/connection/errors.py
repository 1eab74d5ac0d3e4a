"""Translates the database driver's errors into DatabaseError."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError as DriverDatabaseError
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from bot.domain.core.errors import GatewrightError
from bot.domain.core.model import FailureClass


class DatabaseError(GatewrightError):
    """The database refused a statement that should have worked."""


class DatabaseUnavailableError(DatabaseError):
    """The database does not answer or is too busy; the same call may succeed later."""

    temporary = True


class SchemaError(DatabaseError):
    """The tables do not fit this program; the message names the command that helps."""

    failure_class = FailureClass.CONFIG


class DatabaseSettingError(DatabaseError):
    """The database named in the settings cannot be used."""

    failure_class = FailureClass.CONFIG


_BUSY_STATES: Final = frozenset({"40001", "40P01", "55P03", "57014"})
"""PostgreSQL: serialisation failure, deadlock, lock not available, statement time-out."""


_ENDED_STATES: Final = frozenset({"25P03", "25P04"})
"""PostgreSQL: idle-in-transaction time-out, transaction time-out."""


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Translate driver errors into DatabaseError; `doing` is the beginning of the message."""
    try:
        yield
    except SQLAlchemyError as exc:
        # The driver's text may contain data of the statement, so only the cause has it, not the message.
        raise _translate(doing, exc) from exc


def _translate(doing: str, exc: SQLAlchemyError) -> DatabaseError:
    if isinstance(exc, PoolTimeoutError) or _is_busy(exc):
        return DatabaseUnavailableError(f"{doing}: the database is too busy with other transactions.")
    if _state(exc) in _ENDED_STATES:
        return DatabaseUnavailableError(
            f"{doing}: this process did not continue its transaction in time, so the database rolled it back. "
            "Try again."
        )
    if _is_missing_table(exc):
        return SchemaError(f"{doing}: tables are missing or old. Run `gatewright migrate`.")
    if isinstance(exc, OperationalError | InterfaceError) or type(exc) is DriverDatabaseError:
        # SQLite's driver raises the base class for a damaged file and for one that is no database.
        return DatabaseUnavailableError(f"{doing}: the database cannot be reached or is damaged.")
    if isinstance(exc, IntegrityError):
        return DatabaseError(f"{doing}: the database refused a record that contradicts another one.")
    return DatabaseError(f"{doing}: the database refused the statement ({type(exc).__name__}).")


def _is_busy(exc: SQLAlchemyError) -> bool:
    if not isinstance(exc, DBAPIError):
        return False
    return _state(exc) in _BUSY_STATES or getattr(exc.orig, "sqlite_errorname", "").startswith("SQLITE_BUSY")


def _state(exc: SQLAlchemyError) -> str | None:
    return getattr(exc.orig, "sqlstate", None) if isinstance(exc, DBAPIError) else None


def _is_missing_table(exc: SQLAlchemyError) -> bool:
    # SQLite reports a missing table or column as an operational error, PostgreSQL as a programming error.
    if isinstance(exc, ProgrammingError):
        return True
    text = str(exc.orig) if isinstance(exc, OperationalError) else ""
    return "no such table" in text or "no such column" in text or "has no column" in text


def hidden(url: sa.URL) -> str:
    """Return a URL without its password."""
    return url.render_as_string(hide_password=True)

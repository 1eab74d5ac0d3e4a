"""Migrations: forward only, safe when several processes start at once, callable from a thread of a running loop."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from bot.adapters.database.engines import is_sqlite, migration_engine, parse_url, prepare_file
from bot.adapters.database.errors import SchemaError, translated
from bot.adapters.database.tables import VERSION_TABLE

_MIGRATIONS: Final = Path(__file__).parent.parent / "migrations"
_ADVISORY_LOCK: Final = 0x67617465
"""Any number that nobody else takes on PostgreSQL; these are the letters `gate`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaStatus:
    """Where a database's schema stands against the code's."""

    current: str | None
    """Revision of the database; None before the first migration."""
    head: str
    """Revision that this program needs."""
    pending: tuple[str, ...]
    """Revisions that `migrate` would run, in order."""

    def require_current(self) -> None:
        """Raise SchemaError, saying what to do, unless the database has the schema of this program."""
        if self.current == self.head:
            return
        if self.pending:
            raise SchemaError(
                f"The database's schema is at {self.current or 'nothing'}, this program needs {self.head}. "
                "Run `gatewright migrate`."
            )
        raise SchemaError(
            f"The database's schema is at {self.current}, which this program does not know: "
            "it was migrated by a newer Gatewright. Upgrade this program."
        )


def migrate(url: str) -> None:
    """Bring the schema up to date; a second process waits for the first and then finds nothing to do.

    Raises SchemaError for a database that a newer Gatewright has migrated.
    """
    parsed = parse_url(url)
    prepare_file(parsed)
    engine = migration_engine(parsed)
    try:
        with translated("migrating the database"), engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
            status = read_status(connection)
            if status.pending:
                config = _config()
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
            else:
                status.require_current()
    finally:
        engine.dispose()


def schema_status(url: str) -> SchemaStatus:
    """Return where the schema stands, without changing anything; a missing SQLite file is an empty database."""
    parsed = parse_url(url)
    if is_sqlite(parsed) and not Path(str(parsed.database)).exists():
        return _status(None)
    engine = migration_engine(parsed)
    try:
        with translated("reading the database's schema"), engine.connect() as connection:
            return read_status(connection)
    finally:
        engine.dispose()


def read_status(connection: sa.Connection) -> SchemaStatus:
    """Return where the schema behind this connection stands."""
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return _status(context.get_current_revision())


def _status(current: str | None) -> SchemaStatus:
    revisions = _revisions()
    if current is None:
        pending = revisions
    else:
        pending = revisions[revisions.index(current) + 1 :] if current in revisions else ()
    return SchemaStatus(current=current, head=revisions[-1], pending=pending)


@cache
def _revisions() -> tuple[str, ...]:
    """Return every revision of the code, oldest first."""
    scripts = ScriptDirectory.from_config(_config())
    return tuple(script.revision for script in reversed(list(scripts.walk_revisions())))


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config

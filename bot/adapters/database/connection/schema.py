"""Forward-only migrations, safe when several processes start at the same time.

They are synchronous, and can be called from a thread while an event loop runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from bot.adapters.database.connection.engines import is_sqlite, migration_engine, parse_url, prepare_file
from bot.adapters.database.connection.errors import SchemaError, translated
from bot.adapters.database.tables.core import VERSION_TABLE
from bot.domain.core.session_limits import LOCK_SECONDS, TAKEOVER_SECONDS, SessionLimits

MIGRATIONS: Final = Path(__file__).parents[2] / "migrations"
_ADVISORY_LOCK: Final = 0x67617465
"""The key of PostgreSQL's advisory lock for migrations: the letters `gate`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaStatus:
    """The revision of a database's schema, compared with the code's."""

    current: str | None
    """Revision of the database; None before the first migration."""
    head: str
    """Revision that this program needs."""
    pending: tuple[str, ...]
    """Revisions that `migrate` would run, in order."""

    @property
    def is_newer(self) -> bool:
        """Whether a newer Gatewright has migrated the database; this version can still use it."""
        # Migrations only extend the schema, so an older version keeps working.
        return not self.pending and self.current != self.head

    def require_usable(self) -> None:
        """Raise SchemaError if the schema is older than this program."""
        if self.pending:
            raise SchemaError(
                f"The database's schema is at {self.current or 'nothing'}, this program needs {self.head}. "
                "Run `gatewright migrate`."
            )


def migrate(url: str, *, takeover_seconds: float = TAKEOVER_SECONDS) -> None:
    """Migrate the schema to this program's revision; does nothing if it is current or newer.

    Of several processes one migrates, and the others wait for it.
    """
    parsed = parse_url(url)
    prepare_file(parsed)
    # No time limit for statements: how long a migration takes depends on the size of the tables.
    limits = SessionLimits(takeover_seconds=takeover_seconds, statement_seconds=0, lock_seconds=0)
    engine = migration_engine(parsed, limits)
    try:
        with translated("migrating the database"), engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
                # While a migration waits for the lock of a table, all later statements on it queue behind the
                # migration, so it must not wait for long.
                connection.execute(sa.text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS:g}s'"))
            if read_status(connection).pending:
                upgrade(connection)
    finally:
        engine.dispose()


def upgrade(connection: sa.Connection, revision: str = "head") -> None:
    """Run the migrations up to a revision within the transaction of this connection."""
    # Alembic takes much memory, which a process that only reads the revision need not spend.
    from alembic import command  # noqa: PLC0415 -- See above.
    from alembic.config import Config  # noqa: PLC0415 -- See above.

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def schema_status(url: str) -> SchemaStatus:
    """Return the status of the schema and change nothing; a missing SQLite file counts as empty."""
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
    """Return the status of the schema behind this connection."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return _status(None)
    version = sa.table(VERSION_TABLE, sa.column("version_num", sa.Text))
    return _status(connection.scalar(sa.select(version.c.version_num)))


def _status(current: str | None) -> SchemaStatus:
    revisions = _revisions()
    # An unknown revision was made by a newer version, which has run all migrations that this one knows.
    if current is None:
        pending = revisions
    else:
        pending = revisions[revisions.index(current) + 1 :] if current in revisions else ()
    return SchemaStatus(current=current, head=revisions[-1], pending=pending)


@cache
def _revisions() -> tuple[str, ...]:
    """Return every revision of the code, oldest first."""
    return tuple(sorted(file.name.partition("_")[0] for file in MIGRATIONS.glob("versions/[0-9]*_*.py")))

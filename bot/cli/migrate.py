"""`gatewright migrate`: the schema of the database, and bringing it up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bot.adapters.database.connection.schema import SchemaStatus, migrate, schema_status
from bot.domain.core.errors import GatewrightError
from bot.engine import migrate_engine
from bot.settings import PREFIX, Settings


class DatabaseNotConfiguredError(GatewrightError):
    """No setting names the database."""


def migrate_database(settings: Settings) -> SchemaStatus:
    """Bring the schema up to date; DatabaseNotConfiguredError where no setting names a database."""
    _require_configured(settings)
    if settings.database.startswith("sqlite") and not settings.database_url:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    migrate(settings.database, takeover_seconds=settings.takeover_seconds)
    migrate_engine(settings.database, takeover_seconds=settings.takeover_seconds)
    return schema_status(settings.database)


def database_status(settings: Settings) -> SchemaStatus:
    """Return the state of the schema; changes nothing."""
    return schema_status(settings.database)


def status_line(settings: Settings, status: SchemaStatus) -> str:
    """Return in one line how the schema compares with what this version needs."""
    where = f"at {settings.database_label}"
    if status.current is None:
        return f"No schema yet {where}: run `gatewright migrate`"
    if status.pending:
        return (
            f"Database is out of date (schema {status.current}, this version needs {status.head}) {where}:"
            " run `gatewright migrate`"
        )
    if status.is_newer:
        return (
            f"Database is newer than this version (schema {status.current}, this version needs {status.head}) {where};"
            " this version works with it"
        )
    return f"Database is up to date (schema {status.current}) {where}"


def status_json(settings: Settings, status: SchemaStatus) -> dict[str, Any]:
    """Return the schema's status as JSON."""
    return {
        "database": settings.database_label,
        "schema": status.current,
        "needs": status.head,
        "pending": list(status.pending),
        "usable": not status.pending,
    }


def _require_configured(settings: Settings) -> None:
    # Without this, `gatewright migrate` in a wrong directory would create a database there and report success.
    stated = settings.model_fields_set & {"database_url", "data_dir"}
    default = settings.data_dir / "gatewright.db"
    if not stated and not Path(default).exists():
        raise DatabaseNotConfiguredError(
            f"no database is configured: set {PREFIX}DATABASE_URL, or {PREFIX}DATA_DIR for a SQLite database in that"
            " directory"
        )

"""The database that an operator's command works on."""

from __future__ import annotations

import asyncio

from bot.adapters.database.connection.schema import schema_status
from bot.adapters.database.records import Database
from bot.domain.core.errors import GatewrightError
from bot.domain.core.session_limits import USUAL, SessionLimits
from bot.settings import PREFIX, Settings


class DatabaseMissingError(GatewrightError):
    """The settings name no existing Gatewright database."""


async def open_database(
    settings: Settings, *, statement_seconds: float = USUAL.statement_seconds
) -> Database:
    """Return the database; DatabaseMissingError or SchemaError where its schema cannot be used."""
    # Opening a SQLite file that does not exist would create it.
    status = await asyncio.to_thread(schema_status, settings.database)
    if status.current is None:
        raise DatabaseMissingError(
            f"no Gatewright database at {settings.database_label}: set {PREFIX}DATABASE_URL or {PREFIX}DATA_DIR to the"
            " server's, or run `gatewright migrate` to create one"
        )
    status.require_usable()
    limits = SessionLimits(takeover_seconds=settings.takeover_seconds, statement_seconds=statement_seconds)
    return Database(settings.database, limits=limits)

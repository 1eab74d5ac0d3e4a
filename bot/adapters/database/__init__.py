"""The bot's records on SQLite or PostgreSQL: `Database` is the port, `migrate` and `schema_status` its schema."""

from bot.adapters.database.records import Database
from bot.adapters.database.schema import SchemaStatus, migrate, schema_status

__all__ = ["Database", "SchemaStatus", "migrate", "schema_status"]

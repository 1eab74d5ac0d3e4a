"""The bot's records on SQLite or PostgreSQL.

`Database` implements the port `Records`; `migrate` and `schema_status` manage its schema.
"""

from bot.adapters.database.connection.schema import SchemaStatus, migrate, schema_status
from bot.adapters.database.records import Database

__all__ = ["Database", "SchemaStatus", "migrate", "schema_status"]

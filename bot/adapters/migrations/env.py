"""Run by Alembic, which `bot.adapters.database.schema` calls with an open transaction; there is no alembic.ini."""

from __future__ import annotations

from alembic import context

from bot.adapters.database.tables import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    # SQLite can undo DDL as well, once the driver leaves transactions to us.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()

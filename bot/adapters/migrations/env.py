"""Run by Alembic, with the open transaction of `bot.adapters.database.connection.schema`.

There is no alembic.ini.
"""

from __future__ import annotations

from alembic import context

from bot.adapters.database.tables.core import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    # SQLite can roll back DDL, since our engine, not the driver, begins the transactions.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()

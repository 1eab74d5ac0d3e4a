"""The table of reverts."""

from __future__ import annotations

import sqlalchemy as sa

from bot.adapters.database.tables.core import (
    account_columns,
    metadata,
    run_id_column,
    sequence_column,
    stack_columns,
)
from bot.adapters.database.tables.types import BigNumber, FreeText, UtcDateTime

reverts = sa.Table(
    "reverts",
    metadata,
    sequence_column(),
    run_id_column(),
    *stack_columns(),
    sa.Column("pull", BigNumber, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("undone", sa.JSON, nullable=False),
    *account_columns("asked_by"),
    sa.Column("asked_at", UtcDateTime, nullable=False),
    sa.Column("plan_id", sa.Text),
    sa.Column("notes", sa.JSON, nullable=False),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("found", sa.JSON, nullable=False),
    sa.Column("opened_pull", BigNumber),
    sa.Column("opened_why", FreeText),
    sa.UniqueConstraint("run_id"),
    sa.Index(None, "state_key"),
    sa.Index(None, "plan_id"),
    sa.Index(None, "repo", "opened_pull"),
    sqlite_autoincrement=True,
)

"""The table of measured runs."""

from __future__ import annotations

import sqlalchemy as sa

from bot.adapters.database.tables.core import metadata, run_id_column
from bot.adapters.database.tables.types import BigNumber, UtcDateTime

# One narrow row per ended run, because counting and sorting wide rows of runs would take too long.
run_facts = sa.Table(
    "run_facts",
    metadata,
    run_id_column(),
    sa.Column("repo", sa.Text, nullable=False),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("env", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("result", sa.Text, nullable=False),
    sa.Column("failure_class", sa.Text),
    sa.Column("left_out", sa.Text),
    sa.Column("was_retried", sa.Boolean, nullable=False),
    sa.Column("queue_ms", BigNumber, nullable=False),
    sa.Column("run_ms", BigNumber, nullable=False),
    sa.Column("ended_at", UtcDateTime, nullable=False),
    sa.PrimaryKeyConstraint("run_id"),
    sa.Index(None, "repo", "env", "ended_at"),
)

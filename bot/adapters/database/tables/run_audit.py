"""The tables of judged gates, artifact downloads and ended sessions."""

from __future__ import annotations

import sqlalchemy as sa

from bot.adapters.database.tables.core import account_columns, metadata, run_id_column, sequence_column
from bot.adapters.database.tables.types import BigNumber, FreeText, UtcDateTime

run_gates = sa.Table(
    "run_gates",
    metadata,
    run_id_column(),
    sa.Column("position", BigNumber, nullable=False),
    sa.Column("gate", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("sentence", FreeText, nullable=False),
    sa.Column("opens_with", FreeText),
    sa.PrimaryKeyConstraint("run_id", "position"),
)

artifact_downloads = sa.Table(
    "artifact_downloads",
    metadata,
    sequence_column(),
    run_id_column(),
    sa.Column("name", sa.Text, nullable=False),
    *account_columns("login"),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("allowed", sa.Boolean, nullable=False),
    sa.Index(None, "run_id"),
    sqlite_autoincrement=True,
)

# Sessions are stored in cookies. This table has only those that were ended by logging out, until they would expire.
ended_sessions = sa.Table(
    "ended_sessions",
    metadata,
    sa.Column("session", sa.Text, primary_key=True),
    sa.Column("until", UtcDateTime, nullable=False),
)

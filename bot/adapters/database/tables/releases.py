"""The tables of releases and verifications."""

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

releases = sa.Table(
    "releases",
    metadata,
    sequence_column(),
    sa.Column("plan_id", sa.Text, nullable=False, unique=True),
    run_id_column(),
    *stack_columns(),
    sa.Column("pull", BigNumber),
    sa.Column("head_sha", sa.Text, nullable=False),
    sa.Column("base_sha", sa.Text, nullable=False),
    sa.Column("merge_tree", sa.Text, nullable=False),
    sa.Column("inputs_digest", sa.Text, nullable=False),
    sa.Column("var_file_digest", sa.Text),
    sa.Column("change_digest", sa.Text, nullable=False),
    sa.Column("plan_sha256", sa.Text, nullable=False),
    sa.Column("policy_digest", sa.Text, nullable=False),
    sa.Column("engine", sa.Text, nullable=False),
    sa.Column("arguments", sa.JSON, nullable=False),
    sa.Column("changed", sa.Boolean, nullable=False),
    sa.Column("source_digest", sa.Text, nullable=False),
    sa.Column("source_key", sa.Text, nullable=False),
    sa.Column("state_serial", BigNumber),
    sa.Column("state_lineage", sa.Text),
    sa.Column("outputs", sa.JSON, nullable=False),
    *account_columns("actor"),
    sa.Column("approvers", sa.JSON, nullable=False),
    sa.Column("approver_ids", sa.JSON),
    sa.Column("recorded_at", UtcDateTime, nullable=False),
    sa.Column("fetched_digest", sa.Text),
    sa.Index(None, "state_key"),
    sa.Index(None, "inputs_digest"),
    sqlite_autoincrement=True,
)

verifications = sa.Table(
    "verifications",
    metadata,
    sequence_column(),
    sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id"), nullable=False, unique=True),
    sa.Column("release", sa.Text, nullable=False),
    *stack_columns(),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("checks", sa.JSON, nullable=False),
    sa.Column("inputs_digest", sa.Text, nullable=False),
    sa.Column("change_digest", sa.Text, nullable=False),
    sa.Column("state_serial", BigNumber),
    sa.Column("state_lineage", sa.Text),
    sa.Column("policy_digest", sa.Text, nullable=False),
    *account_columns("actor"),
    sa.Column("verified_at", UtcDateTime, nullable=False),
    sa.Column("revoked_at", UtcDateTime),
    sa.Column("revoked_why", FreeText),
    sa.Index(None, "state_key"),
    sa.Index(None, "release"),
    sqlite_autoincrement=True,
)

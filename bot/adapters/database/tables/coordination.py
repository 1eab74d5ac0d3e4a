"""The tables of holds, lock events, waiting pull requests and overrides."""

from __future__ import annotations

import sqlalchemy as sa

from bot.adapters.database.tables.core import account_columns, metadata
from bot.adapters.database.tables.types import BigNumber, FreeText, UtcDateTime


def _sequence() -> sa.Column[int]:
    return sa.Column("sequence", BigNumber, primary_key=True, autoincrement=True)


def _stack() -> tuple[sa.Column[str], ...]:
    return (
        sa.Column("repo", sa.Text, nullable=False),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("env", sa.Text, nullable=False),
        sa.Column("state_key", sa.Text, nullable=False),
        sa.Column("directory", sa.Text, nullable=False),
        sa.Column("var_file", sa.Text),
    )


# Lifted holds are kept for the audit: who froze what, when and why.
holds = sa.Table(
    "holds",
    metadata,
    _sequence(),
    sa.Column("repo", sa.Text),
    sa.Column("env", sa.Text),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("reason", FreeText, nullable=False),
    *account_columns("by"),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("pull", BigNumber),
    sa.Column("run_id", sa.Text),
    sa.Column("lifted_at", UtcDateTime),
    *account_columns("lifted_by", nullable=True),
    sa.Column("lifted_why", FreeText),
    sa.Index(None, "repo", "env"),
    sqlite_autoincrement=True,
)

lock_events = sa.Table(
    "lock_events",
    metadata,
    _sequence(),
    *_stack(),
    sa.Column("pull", BigNumber, nullable=False),
    sa.Column("act", sa.Text, nullable=False),
    *account_columns("actor"),
    sa.Column("why", FreeText, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("cause", sa.Text),
    sa.Index(None, "repo", "pull"),
    sqlite_autoincrement=True,
)

lock_waits = sa.Table(
    "lock_waits",
    metadata,
    _sequence(),
    *_stack(),
    sa.Column("pull", BigNumber, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.UniqueConstraint("state_key", "repo", "project", "env", "pull"),
    sqlite_autoincrement=True,
)

unshown_plans = sa.Table(
    "unshown_plans",
    metadata,
    sa.Column("plan_id", sa.Text, primary_key=True),
    sa.Column("repo", sa.Text, nullable=False),
    sa.Column("pull", BigNumber, nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Index(None, "repo", "pull"),
)

overrides = sa.Table(
    "overrides",
    metadata,
    _sequence(),
    sa.Column("repo", sa.Text, nullable=False),
    sa.Column("pull", BigNumber, nullable=False),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("env", sa.Text, nullable=False),
    sa.Column("gate", sa.Text, nullable=False),
    sa.Column("reason", FreeText, nullable=False),
    *account_columns("asked_by"),
    sa.Column("asked_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    *account_columns("confirmed_by", nullable=True),
    sa.Column("confirmed_at", UtcDateTime),
    sa.Column("used_run", sa.Text),
    sa.Index(None, "repo", "pull"),
    sqlite_autoincrement=True,
)

void_approvals = sa.Table(
    "void_approvals",
    metadata,
    sa.Column("repo", sa.Text, primary_key=True),
    sa.Column("pull", BigNumber, primary_key=True, autoincrement=False),
    sa.Column("until", UtcDateTime, nullable=False),
)

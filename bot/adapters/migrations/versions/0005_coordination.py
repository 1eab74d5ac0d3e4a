"""Create the tables of holds, lock events, waits, overrides and outdated plan comments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _holds()
    _locks()
    op.create_table(
        "overrides",
        _sequence(),
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("pull", NUMBER, nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("env", sa.Text(), nullable=False),
        sa.Column("gate", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("confirmed_by", sa.Text()),
        sa.Column("confirmed_at", TIME),
        sa.Column("used_run", sa.Text()),
        sa.PrimaryKeyConstraint("sequence", name="pk_overrides"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_overrides_repo_pull", "overrides", ["repo", "pull"])
    op.create_table(
        "void_approvals",
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("pull", NUMBER, autoincrement=False, nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.PrimaryKeyConstraint("repo", "pull", name="pk_void_approvals"),
    )


def _holds() -> None:
    op.create_table(
        "holds",
        _sequence(),
        sa.Column("repo", sa.Text()),
        sa.Column("env", sa.Text()),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("pull", NUMBER),
        sa.Column("run_id", sa.Text()),
        sa.Column("lifted_at", TIME),
        sa.Column("lifted_by", sa.Text()),
        sa.Column("lifted_why", sa.Text()),
        sa.PrimaryKeyConstraint("sequence", name="pk_holds"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_holds_repo_env", "holds", ["repo", "env"])


def _locks() -> None:
    op.create_table(
        "lock_events",
        _sequence(),
        *_stack(),
        sa.Column("pull", NUMBER, nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("cause", sa.Text()),
        sa.PrimaryKeyConstraint("sequence", name="pk_lock_events"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_lock_events_repo_pull", "lock_events", ["repo", "pull"])
    op.create_table(
        "lock_waits",
        _sequence(),
        *_stack(),
        sa.Column("pull", NUMBER, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_lock_waits"),
        sa.UniqueConstraint(
            "state_key",
            "repo",
            "project",
            "env",
            "pull",
            name="uq_lock_waits_state_key_repo_project_env_pull",
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "unshown_plans",
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("pull", NUMBER, nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.PrimaryKeyConstraint("plan_id", name="pk_unshown_plans"),
    )
    op.create_index("ix_unshown_plans_repo_pull", "unshown_plans", ["repo", "pull"])


def _sequence() -> sa.Column[int]:
    return sa.Column("sequence", NUMBER, autoincrement=True, nullable=False)


def _stack() -> tuple[sa.Column[str], ...]:
    return (
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("env", sa.Text(), nullable=False),
        sa.Column("state_key", sa.Text(), nullable=False),
        sa.Column("directory", sa.Text(), nullable=False),
        sa.Column("var_file", sa.Text()),
    )


def downgrade() -> None:
    raise RuntimeError(
        "Gatewright's schema only moves forward: to go back, restore the backup made before the upgrade."
    )

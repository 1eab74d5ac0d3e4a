"""Create the tables of check runs, turns to write them, and stacks that heads touch."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _create_check_runs()
    op.create_table(
        "check_turns",
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("head_sha", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("repo", "head_sha", name="pk_check_turns"),
    )
    op.create_table(
        "touched_stacks",
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("pull", NUMBER, autoincrement=False, nullable=False),
        sa.Column("head_sha", sa.Text(), nullable=False),
        sa.Column("head_number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("stacks", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("repo", "pull", "head_sha", "head_number", name="pk_touched_stacks"),
    )


def _create_check_runs() -> None:
    op.create_table(
        "check_runs",
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("pull", NUMBER, nullable=True),
        sa.Column("head_sha", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("remote_id", NUMBER, nullable=True),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("must_renew", sa.Boolean(), nullable=False),
        sa.Column("incomplete", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("repo", "key", name="pk_check_runs"),
    )
    op.create_index("ix_check_runs_repo_head_sha", "check_runs", ["repo", "head_sha"])
    op.create_index("ix_check_runs_incomplete_made_at", "check_runs", ["incomplete", "made_at"])


def downgrade() -> None:
    raise RuntimeError(
        "Gatewright's schema only moves forward: to go back, restore the backup made before the upgrade."
    )

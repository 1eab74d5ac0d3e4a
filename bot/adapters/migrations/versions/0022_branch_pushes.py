"""Create the tables of pushes to branches, and of the commits of submitted reviews."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "branch_pushes",
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("before_sha", sa.Text(), nullable=False),
        sa.Column("after_sha", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("sender_login", sa.Text(), nullable=False),
        sa.Column("sender_id", NUMBER),
        sa.Column("sender_is_bot", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("pushed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("repo", "ref", "after_sha", "before_sha", "sender", name="pk_branch_pushes"),
    )
    op.create_index("ix_branch_pushes_after", "branch_pushes", ["repo", "after_sha"])
    op.create_index("ix_branch_pushes_at", "branch_pushes", ["pushed_at"])
    op.create_table(
        "activity_reads",
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("head_sha", sa.Text(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("repo", "head_sha", name="pk_activity_reads"),
    )
    op.create_table(
        "submitted_reviews",
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("review", NUMBER, autoincrement=False, nullable=False),
        sa.Column("pull", NUMBER, nullable=False),
        sa.Column("commit_sha", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("author_id", NUMBER),
        sa.Column("author_is_bot", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("repo", "review", name="pk_submitted_reviews"),
    )
    op.create_index("ix_submitted_reviews_pull", "submitted_reviews", ["repo", "pull"])


def downgrade() -> None:
    raise RuntimeError(
        "Gatewright's schema only moves forward: to go back, restore the backup made before the upgrade."
    )

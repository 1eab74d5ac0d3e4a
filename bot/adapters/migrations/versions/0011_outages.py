"""Create the tables of states that Terraform could not save, and of heads of pull requests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "errored_states",
        sa.Column("machine", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("state_key", sa.Text(), nullable=False),
        sa.Column("serial", NUMBER, nullable=False),
        sa.Column("lineage", sa.Text(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("machine", "path", name="pk_errored_states"),
    )
    op.create_index("ix_errored_states_state_key", "errored_states", ["state_key"])
    op.create_table(
        "pushes",
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("pull", NUMBER, autoincrement=False, nullable=False),
        sa.Column("head_sha", sa.Text(), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("repo", "pull", "head_sha", name="pk_pushes"),
    )


def downgrade() -> None:
    raise RuntimeError(
        "Gatewright's schema only moves forward: to go back, restore the backup made before the upgrade."
    )

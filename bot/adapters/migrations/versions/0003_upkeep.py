"""Create the tables of periodic duties and of objects deleted from the object store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "duties",
        sa.Column("duty", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("duty", name="pk_duties"),
    )
    op.create_table(
        "pruned",
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("pruned_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("what", "id", name="pk_pruned"),
    )
    op.create_index("ix_runs_finished_at", "runs", ["finished_at"])


def downgrade() -> None:
    raise RuntimeError(
        "Gatewright's schema only moves forward: to go back, restore the backup made before the upgrade."
    )

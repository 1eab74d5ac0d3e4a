"""Create the table of the newest comparison of each pair of twins."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "comparisons",
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("env", sa.Text(), nullable=False),
        sa.Column("twin", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("differences", NUMBER, nullable=False),
        sa.Column("commit", sa.Text(), nullable=False),
        sa.Column("pull", NUMBER),
        sa.Column("compared_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("repo", "project", "env", "twin", name="pk_comparisons"),
    )


def downgrade() -> None:
    raise RuntimeError(
        "Gatewright's schema only moves forward: to go back, restore the backup made before the upgrade."
    )

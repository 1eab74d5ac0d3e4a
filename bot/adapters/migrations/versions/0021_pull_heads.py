"""Create the table of numbered heads of pull requests; record who began and ended duties."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "pull_heads",
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("pull", NUMBER, autoincrement=False, nullable=False),
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("head_sha", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("selected", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("repo", "pull", "number", name="pk_pull_heads"),
    )
    op.add_column("duties", sa.Column("begun_by", sa.Text(), nullable=True))
    op.add_column("duties", sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("runs", sa.Column("head_number", NUMBER, nullable=True))
    op.add_column("plans", sa.Column("head_number", NUMBER, nullable=True))


def downgrade() -> None:
    raise RuntimeError(
        "Gatewright's schema only moves forward: to go back, restore the backup made before the upgrade."
    )

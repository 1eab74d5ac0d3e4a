"""Create the table of log lines of active runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "run_log_chunks",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("start", NUMBER, autoincrement=False, nullable=False),
        sa.Column("lines", NUMBER, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_log_chunks_run_id_runs"),
        sa.PrimaryKeyConstraint("run_id", "start", name="pk_run_log_chunks"),
    )


def downgrade() -> None:
    raise RuntimeError(
        "Gatewright's schema only moves forward: to go back, restore the backup made before the upgrade."
    )

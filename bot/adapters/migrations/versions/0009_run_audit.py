"""Create the tables of judged gates, artifact downloads and ended sessions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "run_gates",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("position", NUMBER, autoincrement=False, nullable=False),
        sa.Column("gate", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("opens_with", sa.Text()),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_gates_run_id_runs"),
        sa.PrimaryKeyConstraint("run_id", "position", name="pk_run_gates"),
    )
    op.create_table(
        "artifact_downloads",
        sa.Column("sequence", NUMBER, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_artifact_downloads_run_id_runs"),
        sa.PrimaryKeyConstraint("sequence", name="pk_artifact_downloads"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_artifact_downloads_run_id", "artifact_downloads", ["run_id"])
    op.create_table(
        "ended_sessions",
        sa.Column("session", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("session", name="pk_ended_sessions"),
    )


def downgrade() -> None:
    raise RuntimeError(
        "Gatewright's schema only moves forward: to go back, restore the backup made before the upgrade."
    )

"""Create the table of restored states."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "state_restores",
        sa.Column("sequence", NUMBER, autoincrement=True, nullable=False),
        *(_text(name) for name in ("run_id", "repo", "project", "env", "state_key", "directory")),
        sa.Column("var_file", sa.Text()),
        sa.Column("pull", NUMBER, nullable=False),
        sa.Column("serial", NUMBER, nullable=False),
        _text("source_key"),
        sa.Column("confirmed", NUMBER, nullable=False),
        _text("asked_by"),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("written_serial", NUMBER),
        sa.Column("written_sha256", sa.Text()),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_state_restores_run_id_runs"),
        sa.PrimaryKeyConstraint("sequence", name="pk_state_restores"),
        sa.UniqueConstraint("run_id", name="uq_state_restores_run_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_state_restores_state_key", "state_restores", ["state_key"])


def downgrade() -> None:
    raise RuntimeError(
        "Gatewright's schema only moves forward: to go back, restore the backup made before the upgrade."
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)

"""Create the table of reverts: from which releases, to which one, and with what result."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("plans", sa.Column("reverts_to", sa.Text()))
    op.create_table(
        "reverts",
        sa.Column("sequence", NUMBER, autoincrement=True, nullable=False),
        *(_text(name) for name in ("run_id", "repo", "project", "env", "state_key", "directory")),
        sa.Column("var_file", sa.Text()),
        sa.Column("pull", NUMBER, nullable=False),
        _text("target"),
        sa.Column("undone", sa.JSON(), nullable=False),
        _text("asked_by"),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("plan_id", sa.Text()),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.Column("found", sa.JSON(), nullable=False),
        sa.Column("opened_pull", NUMBER),
        sa.Column("opened_why", sa.Text()),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_reverts_run_id_runs"),
        sa.PrimaryKeyConstraint("sequence", name="pk_reverts"),
        sa.UniqueConstraint("run_id", name="uq_reverts_run_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reverts_state_key", "reverts", ["state_key"])
    op.create_index("ix_reverts_plan_id", "reverts", ["plan_id"])
    op.create_index("ix_reverts_repo_opened_pull", "reverts", ["repo", "opened_pull"])


def downgrade() -> None:
    raise RuntimeError(
        "Gatewright's schema only moves forward: to go back, restore the backup made before the upgrade."
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)

"""Record of each run whether its risk is known, and index what runs are filtered by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"

FILTERS = ("project", "env", "kind", "status", "failure_class", "has_risk_summary")


def upgrade() -> None:
    op.add_column(
        "runs", sa.Column("has_risk_summary", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    runs = sa.table("runs", sa.column("plan_id"), sa.column("has_risk_summary", sa.Boolean()))
    plans = sa.table("plans", sa.column("id"))
    # Each recorded plan has its risk.
    is_known = sa.exists().where(plans.c.id == runs.c.plan_id)
    op.get_bind().execute(sa.update(runs).where(is_known).values(has_risk_summary=True))
    op.create_index("ix_runs_repo_sequence_created_at", "runs", ["repo", "sequence", "created_at"])
    for name in FILTERS:
        op.create_index(f"ix_runs_repo_{name}_sequence", "runs", ["repo", name, "sequence"])
    op.create_index("ix_runs_repo_actor_sequence", "runs", ["repo", sa.text("lower(actor)"), "sequence"])


def downgrade() -> None:
    raise RuntimeError(
        "Gatewright's schema only moves forward: to go back, restore the backup made before the upgrade."
    )

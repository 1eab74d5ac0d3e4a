"""Create the table of measured runs, and measure the runs that have ended."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
RESULTS = {
    "succeeded": "success",
    "failed": "failed",
    "interrupted": "failed",
    "canceled": "canceled",
    "timed_out": "timeout",
}
MEASURED = {"apply", "destroy", "revert", "sync"}
AT_ONCE = 1000


def upgrade() -> None:
    facts = op.create_table(
        "run_facts",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("env", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("failure_class", sa.Text(), nullable=True),
        sa.Column("left_out", sa.Text(), nullable=True),
        sa.Column("was_retried", sa.Boolean(), nullable=False),
        sa.Column("queue_ms", NUMBER, nullable=False),
        sa.Column("run_ms", NUMBER, nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_facts_run_id_runs"),
        sa.PrimaryKeyConstraint("run_id", name="pk_run_facts"),
    )
    _measure(facts)
    op.create_index("ix_run_facts_repo_env_ended_at", "run_facts", ["repo", "env", "ended_at"])


def _measure(facts: sa.Table) -> None:
    """Add the facts of ended runs; whether an old verification was retried is not known."""
    time = sa.DateTime(timezone=True)
    names = ("id", "repo", "project", "env", "kind", "status", "failure_class")
    times = ("created_at", "started_at", "finished_at", "intent_at")
    sequence = sa.column("sequence", NUMBER)
    runs = sa.table(
        "runs", sequence, *(sa.column(name) for name in names), *(sa.column(name, time) for name in times)
    )
    ended = sa.select(runs).where(runs.c.status.in_(RESULTS), runs.c.finished_at.is_not(None))
    last = 0
    while True:
        page = ended.where(runs.c.sequence > last).order_by(runs.c.sequence).limit(AT_ONCE)
        found = op.get_bind().execute(page).mappings().all()
        if not found:
            return
        op.bulk_insert(facts, [_fact(row) for row in found])
        last = found[-1]["sequence"]


def _fact(row: sa.RowMapping) -> dict[str, Any]:
    ended = row["finished_at"]
    started = row["started_at"] or ended
    return {
        "run_id": row["id"],
        **{name: row[name] for name in ("repo", "project", "env", "kind", "failure_class")},
        "result": RESULTS[row["status"]],
        "left_out": _left_out(row),
        "was_retried": False,
        "queue_ms": _milliseconds(row["created_at"], started),
        "run_ms": _milliseconds(started, ended),
        "ended_at": ended,
    }


def _left_out(row: sa.RowMapping) -> str | None:
    kind = row["kind"]
    if kind in {"plan", "drill"}:
        return str(kind)
    if kind == "verify":
        return None if row["started_at"] else "not_started"
    if kind in MEASURED:
        return None if row["intent_at"] else "not_started"
    return "other_kind"


def _milliseconds(start: datetime, end: datetime) -> int:
    return max(0, round((end - start).total_seconds() * 1000))


def downgrade() -> None:
    raise RuntimeError(
        "Gatewright's schema only moves forward: to go back, restore the backup made before the upgrade."
    )

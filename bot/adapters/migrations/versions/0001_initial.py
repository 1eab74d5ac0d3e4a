"""Create the tables of deliveries, jobs, runs, plans, locks and states.

Column types are repeated and not imported, so that later changes of the tables do not change this migration.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_deliveries()
    _create_claimed_comments()
    _create_jobs()
    _create_runs()
    _create_run_timeline()
    _create_plans()
    _create_locks()
    _create_remote_ids()
    _create_state_versions()
    _create_artifacts()
    _create_policy_versions()


def downgrade() -> None:
    raise RuntimeError(
        "Gatewright's schema only moves forward: to go back, restore the backup made before the upgrade."
    )


def _sequence() -> sa.Column[int]:
    return sa.Column("sequence", NUMBER, autoincrement=True, nullable=False)


def _stack() -> tuple[sa.Column[str], ...]:
    return (
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("env", sa.Text(), nullable=False),
        sa.Column("state_key", sa.Text(), nullable=False),
        sa.Column("directory", sa.Text(), nullable=False),
        sa.Column("var_file", sa.Text()),
    )


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        _sequence(),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("action", sa.Text()),
        sa.Column("repo", sa.Text()),
        sa.Column("pull", NUMBER),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("outcome", sa.Text()),
        sa.Column("note", sa.Text()),
        sa.PrimaryKeyConstraint("sequence", name="pk_deliveries"),
        sa.UniqueConstraint("id", name="uq_deliveries_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_deliveries_outcome", "deliveries", ["outcome"])


def _create_claimed_comments() -> None:
    op.create_table(
        "claimed_comments",
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("comment_id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("repo", "comment_id", name="pk_claimed_comments"),
    )


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        _sequence(),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("argument", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_jobs"),
        sa.UniqueConstraint("id", name="uq_jobs_id"),
        sqlite_autoincrement=True,
    )


def _create_runs() -> None:
    op.create_table(
        "runs",
        _sequence(),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        *_stack(),
        sa.Column("installation_id", NUMBER, nullable=False),
        sa.Column("pull", NUMBER),
        sa.Column("head_sha", sa.Text()),
        sa.Column("base_sha", sa.Text()),
        sa.Column("release_candidate_id", sa.Text()),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("comment_id", NUMBER),
        sa.Column("plan_id", sa.Text()),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("policy_digest", sa.Text()),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("failure_class", sa.Text()),
        sa.Column("summary", sa.Text()),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("cancel_requested_by", sa.Text()),
        sa.Column("intent_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("started_at", INSTANT),
        sa.Column("finished_at", INSTANT),
        sa.PrimaryKeyConstraint("sequence", name="pk_runs"),
        sa.UniqueConstraint("dedupe_key", name="uq_runs_dedupe_key"),
        sa.UniqueConstraint("id", name="uq_runs_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_runs_correlation_id", "runs", ["correlation_id"])
    op.create_index("ix_runs_release_candidate_id", "runs", ["release_candidate_id"])
    op.create_index("ix_runs_repo_pull", "runs", ["repo", "pull"])
    op.create_index("ix_runs_state_key_status", "runs", ["state_key", "status"])
    op.create_index("ix_runs_status", "runs", ["status"])


def _create_run_timeline() -> None:
    op.create_table(
        "run_timeline",
        _sequence(),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_timeline_run_id_runs"),
        sa.PrimaryKeyConstraint("sequence", name="pk_run_timeline"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_run_timeline_run_id", "run_timeline", ["run_id"])


def _create_plans() -> None:
    op.create_table(
        "plans",
        _sequence(),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        *_stack(),
        sa.Column("pull", NUMBER),
        sa.Column("head_sha", sa.Text(), nullable=False),
        sa.Column("base_sha", sa.Text(), nullable=False),
        sa.Column("merge_tree", sa.Text(), nullable=False),
        sa.Column("inputs_digest", sa.Text(), nullable=False),
        sa.Column("var_file_digest", sa.Text()),
        sa.Column("change_digest", sa.Text(), nullable=False),
        sa.Column("plan_sha256", sa.Text(), nullable=False),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("state_serial", NUMBER),
        sa.Column("state_lineage", sa.Text()),
        sa.Column("policy_digest", sa.Text(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("bundle_key", sa.Text(), nullable=False),
        sa.Column("log_key", sa.Text()),
        sa.Column("has_changes", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_reason", sa.Text()),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("posted_at", INSTANT),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_plans_run_id_runs"),
        sa.PrimaryKeyConstraint("sequence", name="pk_plans"),
        sa.UniqueConstraint("id", name="uq_plans_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_plans_repo_project_env", "plans", ["repo", "project", "env"])
    op.create_index("ix_plans_repo_pull", "plans", ["repo", "pull"])
    op.create_index("ix_plans_run_id", "plans", ["run_id"])


def _create_locks() -> None:
    op.create_table(
        "locks",
        *_stack(),
        sa.Column("pull", NUMBER, nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_locks_run_id_runs"),
        sa.PrimaryKeyConstraint("state_key", name="pk_locks"),
    )
    op.create_index("ix_locks_repo_pull", "locks", ["repo", "pull"])


def _create_remote_ids() -> None:
    op.create_table(
        "remote_ids",
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("remote_id", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("repo", "key", name="pk_remote_ids"),
    )


def _create_state_versions() -> None:
    op.create_table(
        "state_versions",
        _sequence(),
        sa.Column("state_key", sa.Text(), nullable=False),
        sa.Column("serial", NUMBER),
        sa.Column("lineage", sa.Text()),
        sa.Column("sha256", sa.Text()),
        sa.Column("object_key", sa.Text()),
        sa.Column("commit", sa.Text()),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("moment", sa.Text(), nullable=False),
        sa.Column("taken_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_state_versions_run_id_runs"),
        sa.PrimaryKeyConstraint("sequence", name="pk_state_versions"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_state_versions_state_key", "state_versions", ["state_key"])


def _create_artifacts() -> None:
    op.create_table(
        "artifacts",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_artifacts_run_id_runs"),
        sa.PrimaryKeyConstraint("run_id", "name", name="pk_artifacts"),
    )


def _create_policy_versions() -> None:
    op.create_table(
        "policy_versions",
        _sequence(),
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("commit", sa.Text(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_policy_versions"),
        sa.UniqueConstraint("repo", "digest", name="uq_policy_versions_repo_digest"),
        sqlite_autoincrement=True,
    )

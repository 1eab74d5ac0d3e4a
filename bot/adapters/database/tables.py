"""The tables. They share a database with the durable engine's own, whose names differ.

Statuses and kinds are plain text, so that a new one needs no migration; enumerations are parsed on reading.
`sequence` numbers rows in the order of recording, which two equal time stamps could not tell.
"""

from __future__ import annotations

import sqlalchemy as sa

from bot.adapters.database.types import BigNumber, FreeText, UtcDateTime

VERSION_TABLE = "gatewright_schema"
"""Where Alembic notes the schema's revision."""

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def sequence_column() -> sa.Column[int]:
    """Return the key that numbers rows in the order of recording."""
    return sa.Column("sequence", BigNumber, primary_key=True, autoincrement=True)


def stack_columns() -> tuple[sa.Column[str], ...]:
    """Return the columns of a stack."""
    return (
        sa.Column("repo", sa.Text, nullable=False),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("env", sa.Text, nullable=False),
        sa.Column("state_key", sa.Text, nullable=False),
        sa.Column("directory", sa.Text, nullable=False),
        sa.Column("var_file", sa.Text),
    )


def run_id_column() -> sa.Column[str]:
    """Return the column that names the run which made the row."""
    return sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id"), nullable=False)


deliveries = sa.Table(
    "deliveries",
    metadata,
    sequence_column(),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("action", sa.Text),
    sa.Column("repo", sa.Text),
    sa.Column("pull", BigNumber),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Column("outcome", sa.Text),
    sa.Column("note", FreeText),
    sa.Index(None, "outcome"),
    sqlite_autoincrement=True,
)

# A claim outlives its delivery, whose payload may be pruned: an old comment must never run again.
claimed_comments = sa.Table(
    "claimed_comments",
    metadata,
    sa.Column("repo", sa.Text, primary_key=True),
    sa.Column("comment_id", BigNumber, primary_key=True, autoincrement=False),
    sa.Column("delivery_id", sa.Text, nullable=False),
)

jobs = sa.Table(
    "jobs",
    metadata,
    sequence_column(),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("workflow", sa.Text, nullable=False),
    sa.Column("argument", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)

runs = sa.Table(
    "runs",
    metadata,
    sequence_column(),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("dedupe_key", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    *stack_columns(),
    sa.Column("installation_id", BigNumber, nullable=False),
    sa.Column("pull", BigNumber),
    sa.Column("head_sha", sa.Text),
    sa.Column("base_sha", sa.Text),
    sa.Column("release_candidate_id", sa.Text),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("comment_id", BigNumber),
    sa.Column("plan_id", sa.Text),
    sa.Column("arguments", sa.JSON, nullable=False),
    sa.Column("policy_digest", sa.Text),
    sa.Column("correlation_id", sa.Text, nullable=False),
    sa.Column("failure_class", sa.Text),
    sa.Column("summary", FreeText),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column("cancel_requested_by", sa.Text),
    sa.Column("intent_at", UtcDateTime),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("started_at", UtcDateTime),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("operation", sa.JSON(none_as_null=True)),
    sa.Index(None, "repo", "pull"),
    sa.Index(None, "state_key", "status"),
    sa.Index(None, "status"),
    sa.Index(None, "correlation_id"),
    sa.Index(None, "finished_at"),
    sa.Index(None, "release_candidate_id"),
    sqlite_autoincrement=True,
)

run_timeline = sa.Table(
    "run_timeline",
    metadata,
    sequence_column(),
    run_id_column(),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("why", FreeText, nullable=False),
    sa.Index(None, "run_id"),
    sqlite_autoincrement=True,
)

# Lines of a run that goes on, wherever it runs; dropped once its whole log is stored.
run_log_chunks = sa.Table(
    "run_log_chunks",
    metadata,
    run_id_column(),
    sa.Column("start", BigNumber, nullable=False),
    sa.Column("lines", BigNumber, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.PrimaryKeyConstraint("run_id", "start"),
)

plans = sa.Table(
    "plans",
    metadata,
    sequence_column(),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    run_id_column(),
    *stack_columns(),
    sa.Column("pull", BigNumber),
    sa.Column("head_sha", sa.Text, nullable=False),
    sa.Column("base_sha", sa.Text, nullable=False),
    sa.Column("merge_tree", sa.Text, nullable=False),
    sa.Column("inputs_digest", sa.Text, nullable=False),
    sa.Column("var_file_digest", sa.Text),
    sa.Column("change_digest", sa.Text, nullable=False),
    sa.Column("plan_sha256", sa.Text, nullable=False),
    sa.Column("engine", sa.Text, nullable=False),
    sa.Column("arguments", sa.JSON, nullable=False),
    sa.Column("state_serial", BigNumber),
    sa.Column("state_lineage", sa.Text),
    sa.Column("policy_digest", sa.Text, nullable=False),
    sa.Column("slot", sa.Text, nullable=False),
    sa.Column("bundle_key", sa.Text, nullable=False),
    sa.Column("log_key", sa.Text),
    sa.Column("has_changes", sa.Boolean, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("status_reason", FreeText),
    sa.Column("summary", sa.JSON, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("posted_at", UtcDateTime),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("reverts_to", sa.Text),
    sa.Column("operation", sa.JSON(none_as_null=True)),
    sa.Column("fetched_digest", sa.Text),
    sa.Index(None, "repo", "project", "env"),
    sa.Index(None, "repo", "pull"),
    sa.Index(None, "run_id"),
    sqlite_autoincrement=True,
)

# The state key is what is held: `{pull}` in a template gives each pull request a lock of its own, and two
# stacks that share a state share its lock, whatever else they are called.
locks = sa.Table(
    "locks",
    metadata,
    *stack_columns(),
    sa.Column("pull", BigNumber, nullable=False),
    sa.Column("holder", sa.Text, nullable=False),
    run_id_column(),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("reason", FreeText, nullable=False),
    sa.PrimaryKeyConstraint("state_key"),
    sa.Index(None, "repo", "pull"),
)

remote_ids = sa.Table(
    "remote_ids",
    metadata,
    sa.Column("repo", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("remote_id", BigNumber, nullable=False),
    sa.Column("node_id", sa.Text),
)

state_versions = sa.Table(
    "state_versions",
    metadata,
    sequence_column(),
    sa.Column("state_key", sa.Text, nullable=False),
    sa.Column("serial", BigNumber),
    sa.Column("lineage", sa.Text),
    sa.Column("sha256", sa.Text),
    sa.Column("object_key", sa.Text),
    sa.Column("commit", sa.Text),
    sa.Column("actor", sa.Text, nullable=False),
    run_id_column(),
    sa.Column("moment", sa.Text, nullable=False),
    sa.Column("taken_at", UtcDateTime, nullable=False),
    sa.Index(None, "state_key"),
    sqlite_autoincrement=True,
)

artifacts = sa.Table(
    "artifacts",
    metadata,
    run_id_column(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("object_key", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.PrimaryKeyConstraint("run_id", "name"),
)

policy_versions = sa.Table(
    "policy_versions",
    metadata,
    sequence_column(),
    sa.Column("repo", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("text", FreeText, nullable=False),
    sa.Column("commit", sa.Text, nullable=False),
    sa.Column("recorded_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("repo", "digest"),
    sqlite_autoincrement=True,
)

# Who begins a duty writes the time; others then leave it alone until it is due again.
duties = sa.Table(
    "duties",
    metadata,
    sa.Column("duty", sa.Text, primary_key=True),
    sa.Column("begun_at", UtcDateTime, nullable=False),
)

# Rows of the audit stay when what they point to in the object store has gone.
pruned = sa.Table(
    "pruned",
    metadata,
    sa.Column("what", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("pruned_at", UtcDateTime, nullable=False),
)

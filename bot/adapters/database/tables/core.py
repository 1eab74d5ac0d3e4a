"""The core tables of the bot.

The durable engine keeps its tables in the same database, under other names.

Statuses and kinds are plain text, so that a new one needs no migration; they are parsed into enumerations
when they are read. `sequence` numbers rows in the order of recording.
"""

from __future__ import annotations

import sqlalchemy as sa

from bot.adapters.database.tables.types import BigNumber, FreeText, UtcDateTime

VERSION_TABLE = "gatewright_schema"
"""The table in which Alembic records the schema's revision."""

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def sequence_column() -> sa.Column[int]:
    """Return the primary key that numbers rows in the order of recording."""
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


def account_columns(name: str, *, nullable: bool = False) -> tuple[sa.Column[str], sa.Column[int]]:
    """Return the two columns of an account: its login, and its id, which is null in older rows."""
    return sa.Column(name, sa.Text, nullable=nullable), sa.Column(f"{name}_id", BigNumber)


def run_id_column() -> sa.Column[str]:
    """Return the column that refers to the run which recorded the row."""
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

# A claim is kept when the payload of its delivery is pruned: an old comment must never be executed again.
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
    *account_columns("actor"),
    sa.Column("comment_id", BigNumber),
    sa.Column("plan_id", sa.Text),
    sa.Column("arguments", sa.JSON, nullable=False),
    sa.Column("policy_digest", sa.Text),
    sa.Column("correlation_id", sa.Text, nullable=False),
    sa.Column("failure_class", sa.Text),
    sa.Column("summary", FreeText),
    sa.Column("detail", sa.JSON, nullable=False),
    *account_columns("cancel_requested_by", nullable=True),
    sa.Column("intent_at", UtcDateTime),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("started_at", UtcDateTime),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("operation", sa.JSON(none_as_null=True)),
    sa.Column("head_number", BigNumber),
    # An older version, which does not know the column, may write at the same time.
    sa.Column("has_risk_summary", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index(None, "repo", "pull"),
    sa.Index(None, "state_key", "status"),
    sa.Index(None, "status"),
    sa.Index(None, "correlation_id"),
    sa.Index(None, "finished_at"),
    sa.Index(None, "release_candidate_id"),
    # A page of a repository's runs with one filter reads no run that is not on it.
    sa.Index(None, "repo", "sequence", "created_at"),
    sa.Index(None, "repo", "project", "sequence"),
    sa.Index(None, "repo", "env", "sequence"),
    sa.Index(None, "repo", "kind", "sequence"),
    sa.Index(None, "repo", "status", "sequence"),
    sa.Index(None, "repo", "failure_class", "sequence"),
    sa.Index(None, "repo", "has_risk_summary", "sequence"),
    sa.Index("ix_runs_repo_actor_sequence", "repo", sa.text("lower(actor)"), "sequence"),
    sqlite_autoincrement=True,
)

run_timeline = sa.Table(
    "run_timeline",
    metadata,
    sequence_column(),
    run_id_column(),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    *account_columns("actor"),
    sa.Column("why", FreeText, nullable=False),
    sa.Index(None, "run_id"),
    sqlite_autoincrement=True,
)

# Log lines of active runs, for the web pages of all processes; deleted once the whole log is stored.
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
    *account_columns("created_by"),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("posted_at", UtcDateTime),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("reverts_to", sa.Text),
    sa.Column("operation", sa.JSON(none_as_null=True)),
    sa.Column("fetched_digest", sa.Text),
    sa.Column("head_number", BigNumber),
    sa.Index(None, "repo", "project", "env"),
    sa.Index(None, "repo", "pull"),
    sa.Index(None, "run_id"),
    sqlite_autoincrement=True,
)

# A lock belongs to a state key, not to a stack: two stacks that share a state share its lock, and `{pull}` in the
# template of the key gives each pull request its own lock.
locks = sa.Table(
    "locks",
    metadata,
    *stack_columns(),
    sa.Column("pull", BigNumber, nullable=False),
    *account_columns("holder"),
    run_id_column(),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("reason", FreeText, nullable=False),
    sa.PrimaryKeyConstraint("state_key"),
    sa.Index(None, "repo", "pull"),
)

IN_FORCE = "policy-in-force"
"""The key in `remote_ids` of the sequence number of a repository's current policy version."""
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
    *account_columns("actor"),
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

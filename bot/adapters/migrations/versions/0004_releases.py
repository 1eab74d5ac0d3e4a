"""Create the tables of releases and verifications."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_releases()
    _create_verifications()


def downgrade() -> None:
    raise RuntimeError(
        "Gatewright's schema only moves forward: to go back, restore the backup made before the upgrade."
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _stack() -> tuple[sa.Column[str], ...]:
    names = ("repo", "project", "env", "state_key", "directory")
    return (*(_text(name) for name in names), sa.Column("var_file", sa.Text()))


def _create_releases() -> None:
    op.create_table(
        "releases",
        sa.Column("sequence", NUMBER, autoincrement=True, nullable=False),
        _text("plan_id"),
        _text("run_id"),
        *_stack(),
        sa.Column("pull", NUMBER),
        *(_text(name) for name in ("head_sha", "base_sha", "merge_tree", "inputs_digest")),
        sa.Column("var_file_digest", sa.Text()),
        *(_text(name) for name in ("change_digest", "plan_sha256", "policy_digest", "engine")),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("changed", sa.Boolean(), nullable=False),
        _text("source_digest"),
        _text("source_key"),
        sa.Column("state_serial", NUMBER),
        sa.Column("state_lineage", sa.Text()),
        sa.Column("outputs", sa.JSON(), nullable=False),
        _text("actor"),
        sa.Column("approvers", sa.JSON(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_releases"),
        sa.UniqueConstraint("plan_id", name="uq_releases_plan_id"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_releases_run_id_runs"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_releases_state_key", "releases", ["state_key"])
    op.create_index("ix_releases_inputs_digest", "releases", ["inputs_digest"])


def _create_verifications() -> None:
    op.create_table(
        "verifications",
        sa.Column("sequence", NUMBER, autoincrement=True, nullable=False),
        _text("run_id"),
        _text("release"),
        *_stack(),
        _text("outcome"),
        sa.Column("checks", sa.JSON(), nullable=False),
        _text("inputs_digest"),
        _text("change_digest"),
        sa.Column("state_serial", NUMBER),
        sa.Column("state_lineage", sa.Text()),
        _text("policy_digest"),
        _text("actor"),
        sa.Column("verified_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT),
        sa.Column("revoked_why", sa.Text()),
        sa.PrimaryKeyConstraint("sequence", name="pk_verifications"),
        sa.UniqueConstraint("run_id", name="uq_verifications_run_id"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_verifications_run_id_runs"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_verifications_state_key", "verifications", ["state_key"])
    op.create_index("ix_verifications_release", "verifications", ["release"])

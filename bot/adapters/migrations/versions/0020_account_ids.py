"""Add the ids of accounts whose logins are recorded; null in existing rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_ACCOUNTS = {
    "runs": ("actor", "cancel_requested_by"),
    "run_timeline": ("actor",),
    "plans": ("created_by",),
    "locks": ("holder",),
    "state_versions": ("actor",),
    "holds": ("by", "lifted_by"),
    "lock_events": ("actor",),
    "overrides": ("asked_by", "confirmed_by"),
    "releases": ("actor",),
    "verifications": ("actor",),
    "reverts": ("asked_by",),
    "state_restores": ("asked_by",),
    "environment_queue": ("actor",),
    "artifact_downloads": ("login",),
    "allowed_commits": ("by",),
}


def upgrade() -> None:
    for table, names in _ACCOUNTS.items():
        for name in names:
            op.add_column(table, sa.Column(f"{name}_id", NUMBER, nullable=True))
    op.add_column("releases", sa.Column("approver_ids", sa.JSON(), nullable=True))


def downgrade() -> None:
    raise RuntimeError(
        "Gatewright's schema only moves forward: to go back, restore the backup made before the upgrade."
    )

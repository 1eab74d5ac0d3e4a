"""Add the digest of what was fetched for a plan and its release, such as modules."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("plans", sa.Column("fetched_digest", sa.Text(), nullable=True))
    op.add_column("releases", sa.Column("fetched_digest", sa.Text(), nullable=True))


def downgrade() -> None:
    raise RuntimeError(
        "Gatewright's schema only moves forward: to go back, restore the backup made before the upgrade."
    )

"""Add the GraphQL ids of comments, which saves requests to GitHub."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("remote_ids", sa.Column("node_id", sa.Text(), nullable=True))


def downgrade() -> None:
    raise RuntimeError(
        "Gatewright's schema only moves forward: to go back, restore the backup made before the upgrade."
    )

"""The tables of periodic duties and of deleted objects."""

from __future__ import annotations

import sqlalchemy as sa

from bot.adapters.database.tables.core import metadata
from bot.adapters.database.tables.types import UtcDateTime

# Others skip a duty that was begun until it is due again, unless its process died before ending it.
duties = sa.Table(
    "duties",
    metadata,
    sa.Column("duty", sa.Text, primary_key=True),
    sa.Column("begun_at", UtcDateTime, nullable=False),
    sa.Column("begun_by", sa.Text),
    sa.Column("ended_at", UtcDateTime),
)

# Objects that were deleted from the object store; the rows that refer to them are kept for the audit.
pruned = sa.Table(
    "pruned",
    metadata,
    sa.Column("what", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("pruned_at", UtcDateTime, nullable=False),
)

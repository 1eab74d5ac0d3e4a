"""Create the tables of repository ids, rejected repositories and owners of states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
STACK = ("repo", "project", "env", "state_key")
SOURCES = (
    ("releases", "sequence", "recorded_at"),
    ("locks", "since", "since"),
    ("plans", "sequence", "created_at"),
)
"""(table, column to order by, column with the time of recording)"""


def upgrade() -> None:
    op.create_table(
        "repositories",
        *(_text(name) for name in ("name", "full_name")),
        sa.Column("repository_id", NUMBER, nullable=False),
        sa.Column("bound_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_repositories"),
    )
    op.create_table(
        "turned_away",
        _text("name"),
        sa.Column("repository_id", NUMBER, autoincrement=False, nullable=False),
        *(_text(name) for name in ("full_name", "why")),
        sa.Column("sender", sa.Text()),
        sa.Column("deliveries", NUMBER, nullable=False),
        sa.Column("first_at", TIME, nullable=False),
        sa.Column("last_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", "repository_id", name="pk_turned_away"),
    )
    owners = op.create_table(
        "state_owners",
        *(_text(name) for name in ("bucket", "state_key", "repo")),
        sa.Column("repository_id", NUMBER),
        *(_text(name) for name in ("project", "env")),
        sa.Column("since", TIME, nullable=False),
        sa.PrimaryKeyConstraint("bucket", "state_key", name="pk_state_owners"),
    )
    found = list(_owners())
    if found:
        op.bulk_insert(owners, found)
    for owner in found:
        _void_plans_of_others(owner)


def _owners() -> Iterable[dict[str, Any]]:
    """Yield the owners of the recorded states.

    The repository is the first one that applied the state, else the one that locked it, else the first one
    that planned it. Of its stacks the newest counts, since a project or environment may have been renamed.
    """
    known: dict[str, list[sa.RowMapping]] = {}
    for table, order, at in SOURCES:
        columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in (*STACK, order)]
        rows = sa.select(*columns, sa.column(at, TIME).label("at")).select_from(sa.table(table))
        for row in op.get_bind().execute(rows.order_by(sa.column(order))).mappings():
            known.setdefault(row["state_key"], []).append(row)
    for key, users in known.items():
        first = users[0]
        newest = [user for user in users if user["repo"] == first["repo"]][-1]
        # The bucket is a setting, which a migration does not know: an empty one means the configured one.
        yield {
            "bucket": "",
            "state_key": key,
            "repo": first["repo"],
            "repository_id": None,
            "project": newest["project"],
            "env": newest["env"],
            "since": first["at"],
        }


def _void_plans_of_others(owner: Mapping[str, Any]) -> None:
    """Mark the plans of other repositories for a state stale."""
    names = ("repo", "state_key", "status", "status_reason")
    plans = sa.table("plans", *(sa.column(name) for name in names))
    others = (plans.c.state_key == owner["state_key"], plans.c.repo != owner["repo"])
    op.execute(
        sa.update(plans)
        .where(*others, plans.c.status.in_(("planned", "no_changes")))
        .values(status="stale", status_reason=f"the state belongs to {owner['repo']}")
    )


def downgrade() -> None:
    raise RuntimeError(
        "Gatewright's schema only moves forward: to go back, restore the backup made before the upgrade."
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)

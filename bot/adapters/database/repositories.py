"""Which repository each name stands for, who is turned away, and whose each state is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.adapters.database import tables
from bot.adapters.database.transaction import Transaction
from bot.adapters.database.types import BigNumber, FreeText, UtcDateTime
from bot.domain.model import EnvName, PlanStatus, ProjectName, StateKey
from bot.domain.repositories import TurnedAway
from bot.domain.state_owner import StateOwner

repositories = sa.Table(
    "repositories",
    tables.metadata,
    # As it is compared: lower case.
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("full_name", sa.Text, nullable=False),
    sa.Column("repository_id", BigNumber, nullable=False),
    sa.Column("bound_at", UtcDateTime, nullable=False),
)

turned_away = sa.Table(
    "turned_away",
    tables.metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("repository_id", BigNumber, primary_key=True, autoincrement=False),
    sa.Column("full_name", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("sender", FreeText),
    sa.Column("deliveries", BigNumber, nullable=False),
    sa.Column("first_at", UtcDateTime, nullable=False),
    sa.Column("last_at", UtcDateTime, nullable=False),
)

# An empty bucket stands for the one in use: who owned a state before this table was made was taken from the records.
state_owners = sa.Table(
    "state_owners",
    tables.metadata,
    sa.Column("bucket", sa.Text, primary_key=True),
    sa.Column("state_key", sa.Text, primary_key=True),
    sa.Column("repo", sa.Text, nullable=False),
    sa.Column("repository_id", BigNumber),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("env", sa.Text, nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
)
_ANY_BUCKET = ""


class RepositoryQueries(Transaction):
    """Reads inside one transaction."""

    async def repository_id(self, full_name: str) -> int | None:
        """Return the id to which a name is bound."""
        query = sa.select(repositories).where(repositories.c.name == full_name.lower())
        row = await self._first(query)
        return None if row is None else int(row["repository_id"])

    async def turned_away(self, *, limit: int = 100) -> Sequence[TurnedAway]:
        """Return the repositories whose deliveries are ignored, the newest first."""
        query = sa.select(turned_away).order_by(turned_away.c.last_at.desc(), turned_away.c.name)
        return [
            TurnedAway(
                full_name=row["full_name"],
                id=int(row["repository_id"]),
                why=row["why"],
                deliveries=int(row["deliveries"]),
                sender=row["sender"],
                last_at=row["last_at"],
            )
            for row in await self._all(query.limit(limit))
        ]

    async def state_owner(self, bucket: str, key: StateKey) -> StateOwner | None:
        """Return whose a state is."""
        columns = state_owners.c
        query = sa.select(state_owners).where(
            columns.bucket.in_((bucket, _ANY_BUCKET)), columns.state_key == key
        )
        row = await self._first(query.order_by(columns.bucket.desc()))
        return None if row is None else _to_owner(row)

    async def state_owners(self, bucket: str) -> Sequence[StateOwner]:
        """Return the owner of every state, by key."""
        columns = state_owners.c
        query = sa.select(state_owners).where(columns.bucket.in_((bucket, _ANY_BUCKET)))
        found = await self._all(query.order_by(columns.bucket, columns.state_key))
        # The rows of the bucket itself come last, and count where there are two of a key.
        owners = {row["state_key"]: _to_owner(row) for row in found}
        return [owners[key] for key in sorted(owners)]

    async def heard_among(self, names: Collection[str], *, limit: int) -> Sequence[str]:
        """Return which of these repositories deliveries were about, the latest first."""
        columns = tables.deliveries.c
        query = (
            sa.select(columns.repo)
            .where(sa.func.lower(columns.repo).in_([name.lower() for name in names]))
            .group_by(columns.repo)
            .order_by(sa.func.max(columns.sequence).desc())
            .limit(limit)
        )
        return [str(row["repo"]) for row in await self._all(query)]


class RepositoryStatements(RepositoryQueries):
    """Reads and writes inside one transaction."""

    async def bind_repository(self, full_name: str, id: int, at: datetime) -> None:
        """Bind a name to an id, in place of the one before, and forget that it was turned away."""
        bound = {"full_name": full_name, "repository_id": id, "bound_at": at}
        statement = self._insert(repositories, {"name": full_name.lower(), **bound})
        await self._connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=bound))
        columns = turned_away.c
        await self._connection.execute(sa.delete(turned_away).where(columns.name == full_name.lower()))

    async def turn_away(self, full_name: str, id: int, *, why: str, sender: str | None, at: datetime) -> bool:
        """Count an ignored delivery; True for the first of a repository."""
        told = {"full_name": full_name, "why": why, "sender": sender, "last_at": at}
        new = {"name": full_name.lower(), "repository_id": id, "deliveries": 1, "first_at": at, **told}
        statement = self._insert(turned_away, new).on_conflict_do_update(
            index_elements=["name", "repository_id"],
            set_={**told, "deliveries": turned_away.c.deliveries + 1},
        )
        row = await self._first(statement.returning(turned_away.c.deliveries))
        return row is not None and int(row["deliveries"]) == 1

    async def claim_state(self, owner: StateOwner) -> StateOwner:
        """Record the owner of a state that has none; returns the one that is now in force."""
        if await self.state_owner(owner.bucket, owner.key) is None:
            statement = self._insert(state_owners, _values(owner)).on_conflict_do_nothing()
            await self._connection.execute(statement)
        # Somebody else may have been first meanwhile, where several processes write.
        return await self.state_owner(owner.bucket, owner.key) or owner

    async def move_state(self, owner: StateOwner) -> None:
        """Record the owner of a state in place of the one before; open plans of all others become stale."""
        values = _values(owner)
        keys = ("bucket", "state_key")
        changed = {name: value for name, value in values.items() if name not in keys}
        statement = self._insert(state_owners, values)
        await self._connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed))
        columns = tables.plans.c
        others = sa.or_(
            sa.func.lower(columns.repo) != owner.repo.lower(),
            columns.project != owner.project,
            columns.env != owner.env,
        )
        stale = sa.update(tables.plans).where(
            columns.state_key == owner.key,
            others,
            columns.status.in_((PlanStatus.PLANNED, PlanStatus.NO_CHANGES)),
        )
        await self._connection.execute(
            stale.values(status=PlanStatus.STALE, status_reason=f"the state belongs to {owner.words} now")
        )

    async def forget_state_owner(self, bucket: str, key: StateKey) -> bool:
        """Remove the record of an owner; False when there was none."""
        columns = state_owners.c
        statement = sa.delete(state_owners).where(
            columns.bucket.in_((bucket, _ANY_BUCKET)), columns.state_key == key
        )
        return (await self._connection.execute(statement)).rowcount > 0

    async def complete_owner(self, owner: StateOwner, now: StateOwner) -> None:
        """Note bucket, name and id of an owner as they are now: some were not known, or it was renamed."""
        columns = state_owners.c
        statement = sa.update(state_owners).where(
            columns.bucket == owner.bucket, columns.state_key == owner.key
        )
        await self._connection.execute(
            statement.values(
                bucket=now.bucket,
                repo=now.repo,
                repository_id=sa.func.coalesce(
                    sa.literal(now.repository_id, BigNumber), columns.repository_id
                ),
            )
        )


def _values(owner: StateOwner) -> dict[str, object]:
    return {
        "bucket": owner.bucket,
        "state_key": owner.key,
        "repo": owner.repo,
        "repository_id": owner.repository_id,
        "project": owner.project,
        "env": owner.env,
        "since": owner.since,
    }


def _to_owner(row: Mapping[Any, Any]) -> StateOwner:
    number = row["repository_id"]
    return StateOwner(
        bucket=row["bucket"],
        key=StateKey(row["state_key"]),
        repo=row["repo"],
        repository_id=None if number is None else int(number),
        project=ProjectName(row["project"]),
        env=EnvName(row["env"]),
        since=row["since"],
    )

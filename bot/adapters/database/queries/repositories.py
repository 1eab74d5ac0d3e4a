"""Queries and statements about repository ids, rejected repositories and owners of states."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.adapters.database.connection.transaction import Transaction
from bot.adapters.database.tables import core
from bot.adapters.database.tables.types import BigNumber, FreeText, UtcDateTime
from bot.domain.core.model import EnvName, PlanStatus, ProjectName, StateKey
from bot.domain.core.repositories import TurnedAway
from bot.domain.state.owner import StateOwner

repositories = sa.Table(
    "repositories",
    core.metadata,
    # In lower case, as names are compared.
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("full_name", sa.Text, nullable=False),
    sa.Column("repository_id", BigNumber, nullable=False),
    sa.Column("bound_at", UtcDateTime, nullable=False),
)

turned_away = sa.Table(
    "turned_away",
    core.metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("repository_id", BigNumber, primary_key=True, autoincrement=False),
    sa.Column("full_name", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("sender", FreeText),
    sa.Column("deliveries", BigNumber, nullable=False),
    sa.Column("first_at", UtcDateTime, nullable=False),
    sa.Column("last_at", UtcDateTime, nullable=False),
)

# An empty bucket means the configured one: the migration that filled this table did not know the setting.
state_owners = sa.Table(
    "state_owners",
    core.metadata,
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
        row = await self._row(repositories, name=full_name.lower())
        return None if row is None else int(row["repository_id"])

    async def turned_away(self, *, limit: int = 100) -> Sequence[TurnedAway]:
        """Return the repositories whose deliveries are ignored, newest first."""
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
        """Return the owner of a state."""
        columns = state_owners.c
        query = sa.select(state_owners).where(
            columns.bucket.in_((bucket, _ANY_BUCKET)), columns.state_key == key
        )
        row = await self._first(query.order_by(columns.bucket.desc()))
        return None if row is None else _to_owner(row)

    async def owner_and_repository(
        self, bucket: str, key: StateKey, full_name: str
    ) -> tuple[StateOwner | None, int | None]:
        """Return a state's owner and the id of a repository, with one query."""
        columns = state_owners.c
        bound = sa.select(repositories.c.repository_id).where(repositories.c.name == full_name.lower())
        is_of_state = sa.and_(columns.bucket.in_((bucket, _ANY_BUCKET)), columns.state_key == key)
        # The owner may be missing, so it is joined to a row that is always there.
        one = sa.select(bound.scalar_subquery().label("bound_id")).subquery()
        query = sa.select(state_owners, one.c.bound_id).select_from(one.outerjoin(state_owners, is_of_state))
        row = await self._first(query.order_by(columns.bucket.desc()))
        if row is None:
            return None, None
        number = None if row["bound_id"] is None else int(row["bound_id"])
        return (None if row["state_key"] is None else _to_owner(row)), number

    async def state_owners(self, bucket: str) -> Sequence[StateOwner]:
        """Return the owners of all states, by key."""
        columns = state_owners.c
        query = sa.select(state_owners).where(columns.bucket.in_((bucket, _ANY_BUCKET)))
        found = await self._all(query.order_by(columns.bucket, columns.state_key))
        # Rows with a bucket sort last, and take precedence over those with an empty one.
        owners = {row["state_key"]: _to_owner(row) for row in found}
        return [owners[key] for key in sorted(owners)]

    async def delivered_among(self, names: Collection[str], *, limit: int) -> Sequence[str]:
        """Return those of these repositories that sent deliveries, the most recent first."""
        columns = core.deliveries.c
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
        """Bind a name to an id, and clear its ignored deliveries; replaces the previous id."""
        bound = {"full_name": full_name, "repository_id": id, "bound_at": at}
        statement = self._insert(repositories, {"name": full_name.lower(), **bound})
        await self._connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=bound))
        # From now on, deliveries of this name are accepted.
        columns = turned_away.c
        await self._connection.execute(sa.delete(turned_away).where(columns.name == full_name.lower()))

    async def turn_away(self, full_name: str, id: int, *, why: str, sender: str | None, at: datetime) -> bool:
        """Count an ignored delivery; returns whether it is the repository's first."""
        newest = {"full_name": full_name, "why": why, "sender": sender, "last_at": at}
        new = {"name": full_name.lower(), "repository_id": id, "deliveries": 1, "first_at": at, **newest}
        statement = self._insert(turned_away, new).on_conflict_do_update(
            index_elements=["name", "repository_id"],
            set_={**newest, "deliveries": turned_away.c.deliveries + 1},
        )
        row = await self._first(statement.returning(turned_away.c.deliveries))
        return row is not None and int(row["deliveries"]) == 1

    async def claim_state(self, owner: StateOwner) -> StateOwner:
        """Record the owner of a state that has none; returns the current owner."""
        if await self.state_owner(owner.bucket, owner.key) is None:
            statement = self._insert(state_owners, _values(owner)).on_conflict_do_nothing()
            await self._connection.execute(statement)
        # Another process may have recorded an owner in between: read which one counts.
        return await self.state_owner(owner.bucket, owner.key) or owner

    async def move_state(self, owner: StateOwner) -> None:
        """Replace the owner of a state, and mark the open plans of all other stacks stale."""
        values = _values(owner)
        keys = ("bucket", "state_key")
        changed = {name: value for name, value in values.items() if name not in keys}
        statement = self._insert(state_owners, values)
        await self._connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed))
        columns = core.plans.c
        others = sa.or_(
            sa.func.lower(columns.repo) != owner.repo.lower(),
            columns.project != owner.project,
            columns.env != owner.env,
        )
        stale = sa.update(core.plans).where(
            columns.state_key == owner.key,
            others,
            columns.status.in_((PlanStatus.PLANNED, PlanStatus.NO_CHANGES)),
        )
        await self._connection.execute(
            stale.values(status=PlanStatus.STALE, status_reason=f"the state belongs to {owner.words} now")
        )

    async def forget_state_owner(self, bucket: str, key: StateKey) -> bool:
        """Delete the owner of a state; returns whether there was one."""
        columns = state_owners.c
        statement = sa.delete(state_owners).where(
            columns.bucket.in_((bucket, _ANY_BUCKET)), columns.state_key == key
        )
        return (await self._connection.execute(statement)).rowcount > 0

    async def complete_owner(self, owner: StateOwner, now: StateOwner) -> None:
        """Update bucket, name and id of an owner, after a rename or if some were unknown."""
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

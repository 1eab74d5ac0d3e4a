"""Queries and statements about the queues of shared environments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from bot.adapters.database.connection.transaction import Transaction
from bot.adapters.database.queries import rows
from bot.adapters.database.queries.fields import account_values
from bot.adapters.database.tables import core
from bot.adapters.database.tables.types import BigNumber, UtcDateTime
from bot.domain.core.accounts import Account, recorded
from bot.domain.core.model import Stack, StateKey
from bot.domain.plans.plan import Lock
from bot.ports.records.environment_queue import Waiting

environment_queue = sa.Table(
    "environment_queue",
    core.metadata,
    core.sequence_column(),
    *core.stack_columns(),
    sa.Column("pull", BigNumber, nullable=False),
    *core.account_columns("actor"),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.UniqueConstraint("state_key", "repo", "pull"),
    sa.Index(None, "repo", "pull"),
    sqlite_autoincrement=True,
)


class EnvironmentQueueQueries(Transaction):
    """Implements `bot.ports.records.environment_queue.EnvironmentQueueReader`."""

    async def waiting(
        self, *, state_key: StateKey | None = None, repo: str | None = None, pull: int | None = None
    ) -> Sequence[Waiting]:
        """Return the waiting pull requests in order of arrival; None as a filter means any."""
        columns = environment_queue.c
        query = sa.select(environment_queue).order_by(columns.sequence)
        if state_key is not None:
            query = query.where(columns.state_key == state_key)
        if repo is not None:
            query = query.where(columns.repo == repo)
        if pull is not None:
            query = query.where(columns.pull == pull)
        return [_to_waiting(row) for row in await self._all(query)]

    async def all_locks(self) -> Sequence[Lock]:
        """Return every lock of every repository, oldest first."""
        query = sa.select(core.locks).order_by(core.locks.c.since, core.locks.c.state_key)
        return [rows.to_lock(row) for row in await self._all(query)]


class EnvironmentQueueStatements(Transaction):
    """Implements `bot.ports.records.environment_queue.EnvironmentQueueWriter`."""

    async def wait_for(self, stack: Stack, pull: int, actor: Account, at: datetime) -> None:
        """Append a pull request to a queue; one that is in it already keeps its place."""
        values = rows.stack_values(stack) | {"pull": pull, "since": at, **account_values("actor", actor)}
        statement = self._insert(environment_queue, values)
        # `sequence` is the order of arrival, so an existing row is not touched.
        await self._connection.execute(
            statement.on_conflict_do_nothing(index_elements=["state_key", "repo", "pull"])
        )

    async def stop_waiting(self, *, repo: str, pull: int, state_key: StateKey | None = None) -> None:
        """Remove a pull request from one queue, or from all; not being in any is no error."""
        columns = environment_queue.c
        statement = sa.delete(environment_queue).where(columns.repo == repo, columns.pull == pull)
        if state_key is not None:
            statement = statement.where(columns.state_key == state_key)
        await self._connection.execute(statement)


def _to_waiting(row: sa.RowMapping) -> Waiting:
    return Waiting(
        sequence=int(row["sequence"]),
        stack=rows.to_stack(row),
        pull=int(row["pull"]),
        actor=recorded(row["actor"], row["actor_id"]),
        since=row["since"],
    )

"""The queues of shared environments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from bot.adapters.database import rows, tables
from bot.adapters.database.transaction import Transaction
from bot.adapters.database.types import BigNumber, UtcDateTime
from bot.domain.model import Login, Stack, StateKey
from bot.domain.plan import Lock
from bot.ports.environment_queue import Waiting

environment_queue = sa.Table(
    "environment_queue",
    tables.metadata,
    tables.sequence_column(),
    *tables.stack_columns(),
    sa.Column("pull", BigNumber, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.UniqueConstraint("state_key", "repo", "pull"),
    sa.Index(None, "repo", "pull"),
    sqlite_autoincrement=True,
)


class EnvironmentQueueQueries(Transaction):
    """Implements `bot.ports.environment_queue.EnvironmentQueueReader`."""

    async def waiting(
        self, *, state_key: StateKey | None = None, repo: str | None = None, pull: int | None = None
    ) -> Sequence[Waiting]:
        """Return who waits, first come first; empty filters mean any."""
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
        query = sa.select(tables.locks).order_by(tables.locks.c.since, tables.locks.c.state_key)
        return [rows.to_lock(row) for row in await self._all(query)]


class EnvironmentQueueStatements(Transaction):
    """Implements `bot.ports.environment_queue.EnvironmentQueueWriter`."""

    async def wait_for(self, stack: Stack, pull: int, actor: Login, at: datetime) -> None:
        """Go to the end of the queue; who is in it already keeps the place."""
        values = rows.stack_values(stack) | {"pull": pull, "actor": actor, "since": at}
        statement = self._insert(environment_queue, values)
        await self._connection.execute(
            statement.on_conflict_do_nothing(index_elements=["state_key", "repo", "pull"])
        )

    async def stop_waiting(self, *, repo: str, pull: int, state_key: StateKey | None = None) -> None:
        """Leave one queue, or all of them; who is in none is not an error."""
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
        actor=Login(row["actor"]),
        since=row["since"],
    )

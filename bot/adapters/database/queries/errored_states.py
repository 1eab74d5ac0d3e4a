"""Queries and statements about states that Terraform could not save."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from bot.adapters.database.connection.transaction import Transaction
from bot.adapters.database.tables import core
from bot.adapters.database.tables.types import BigNumber, UtcDateTime
from bot.domain.core.model import StateKey
from bot.ports.records.errored_states import KeptState

errored_states = sa.Table(
    "errored_states",
    core.metadata,
    sa.Column("machine", sa.Text, primary_key=True),
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("state_key", sa.Text, nullable=False),
    sa.Column("serial", BigNumber, nullable=False),
    sa.Column("lineage", sa.Text, nullable=False),
    sa.Column("found_at", UtcDateTime, nullable=False),
    sa.Index(None, "state_key"),
)


class ErroredStateQueries(Transaction):
    """Reads inside one transaction."""

    async def kept_states(self, key: StateKey) -> Sequence[KeptState]:
        """Return the kept copies of a state on all machines, oldest first."""
        columns = errored_states.c
        query = sa.select(errored_states).where(columns.state_key == key)
        found = await self._all(query.order_by(columns.found_at, columns.machine, columns.path))
        return [
            KeptState(
                machine=row["machine"],
                path=row["path"],
                state_key=StateKey(row["state_key"]),
                serial=row["serial"],
                lineage=row["lineage"],
                found_at=row["found_at"],
            )
            for row in found
        ]


class ErroredStateStatements(Transaction):
    """Writes inside one transaction."""

    async def keep_state(self, kept: KeptState) -> None:
        """Record where a state is kept; does nothing if it is recorded already."""
        values = {column.name: getattr(kept, column.name) for column in errored_states.columns}
        await self._connection.execute(self._insert(errored_states, values).on_conflict_do_nothing())

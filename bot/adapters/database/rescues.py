"""Where the states are that Terraform could not save."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from bot.adapters.database import tables
from bot.adapters.database.transaction import Transaction
from bot.adapters.database.types import BigNumber, UtcDateTime
from bot.domain.model import StateKey
from bot.ports.rescue import KeptState

errored_states = sa.Table(
    "errored_states",
    tables.metadata,
    sa.Column("machine", sa.Text, primary_key=True),
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("state_key", sa.Text, nullable=False),
    sa.Column("serial", BigNumber, nullable=False),
    sa.Column("lineage", sa.Text, nullable=False),
    sa.Column("found_at", UtcDateTime, nullable=False),
    sa.Index(None, "state_key"),
)


class RescueQueries(Transaction):
    """Reads inside one transaction."""

    async def kept_states(self, key: StateKey) -> Sequence[KeptState]:
        """Return what is kept of a state on any machine, oldest first."""
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


class RescueStatements(Transaction):
    """Writes inside one transaction."""

    async def keep_state(self, kept: KeptState) -> None:
        """Note where a state is kept; the first note stays."""
        values = {column.name: getattr(kept, column.name) for column in errored_states.columns}
        await self._connection.execute(self._insert(errored_states, values).on_conflict_do_nothing())

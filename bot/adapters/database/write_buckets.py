"""The writes to GitHub of each installation, in one row that all processes change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import pydantic
import sqlalchemy as sa

from bot.adapters.database import tables
from bot.adapters.database.transaction import Transaction
from bot.domain.write_buckets import WriteState

Result = TypeVar("Result")

write_buckets = sa.Table(
    "write_buckets",
    tables.metadata,
    sa.Column("installation", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
)
_STATE: Final = pydantic.TypeAdapter(WriteState)


class WriteBucketStatements(Transaction):
    """Reads and writes inside one transaction."""

    async def change_writes(
        self, installation: str, step: Callable[[WriteState], tuple[WriteState, Result]]
    ) -> Result:
        """Put in force what `step` makes of the state; other processes wait for the end of this transaction."""
        columns = write_buckets.c
        new = {"installation": installation, "state": _write(WriteState())}
        await self._connection.execute(self._insert(write_buckets, new).on_conflict_do_nothing())
        query = sa.select(columns.state).where(columns.installation == installation).with_for_update()
        row = await self._first(query)
        state, result = step(WriteState() if row is None else _read(row["state"]))
        statement = sa.update(write_buckets).where(columns.installation == installation)
        await self._connection.execute(statement.values(state=_write(state)))
        return result


def _write(state: WriteState) -> str:
    return _STATE.dump_json(state).decode()


def _read(text: str) -> WriteState:
    try:
        return _STATE.validate_json(text)
    except pydantic.ValidationError:
        # Another version of Gatewright counts in another way; the counts are of the last hour at most.
        return WriteState()

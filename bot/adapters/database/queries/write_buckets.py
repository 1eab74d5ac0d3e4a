"""Counters of writes to GitHub, one row per installation, shared by all processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import pydantic
import sqlalchemy as sa

from bot.adapters.database.connection.transaction import Transaction
from bot.adapters.database.tables import core
from bot.domain.core.write_buckets import WriteState

Result = TypeVar("Result")

write_buckets = sa.Table(
    "write_buckets",
    core.metadata,
    sa.Column("installation", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
)
_STATE: Final = pydantic.TypeAdapter(WriteState)


class WriteBucketStatements(Transaction):
    """Reads and writes inside one transaction."""

    async def change_writes(
        self, installation: str, step: Callable[[WriteState], tuple[WriteState, Result]]
    ) -> Result:
        """Apply `step` to the state and return its result; other processes wait until the commit."""
        columns = write_buckets.c
        # The row stays locked until the end of the transaction, so that processes count one after the other.
        query = sa.select(columns.state).where(columns.installation == installation).with_for_update()
        row = await self._first(query)
        if row is None:
            # Another process may insert it first.
            new = {"installation": installation, "state": _write(WriteState())}
            await self._connection.execute(self._insert(write_buckets, new).on_conflict_do_nothing())
            row = await self._first(query)
        before = WriteState() if row is None else _read(row["state"])
        after, result = step(before)
        if after != before:
            statement = sa.update(write_buckets).where(columns.installation == installation)
            await self._connection.execute(statement.values(state=_write(after)))
        return result

    async def store_writes(self, installation: str, state: WriteState) -> None:
        """Replace the state without a look at the one before."""
        new = {"installation": installation, "state": _write(state)}
        statement = self._insert(write_buckets, new)
        statement = statement.on_conflict_do_update(
            index_elements=["installation"], set_={"state": statement.excluded.state}
        )
        await self._connection.execute(statement)


def _write(state: WriteState) -> str:
    return _STATE.dump_json(state).decode()


def _read(text: str) -> WriteState:
    try:
        return _STATE.validate_json(text)
    except pydantic.ValidationError:
        # Another version uses another format; start from zero, since counts cover at most an hour.
        return WriteState()

"""Queries and statements about restored states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from bot.adapters.database.connection.transaction import Transaction
from bot.adapters.database.queries import rows
from bot.adapters.database.queries.errored_states import errored_states
from bot.adapters.database.queries.fields import columns_of, values_of
from bot.adapters.database.tables import core
from bot.adapters.database.tables.releases import releases
from bot.adapters.database.tables.types import BigNumber, UtcDateTime
from bot.domain.core.model import RunId, StateKey
from bot.domain.state.restore import Restore
from bot.ports import StateVersion

restores = sa.Table(
    "state_restores",
    core.metadata,
    core.sequence_column(),
    core.run_id_column(),
    *core.stack_columns(),
    sa.Column("pull", BigNumber, nullable=False),
    sa.Column("serial", BigNumber, nullable=False),
    sa.Column("source_key", sa.Text, nullable=False),
    sa.Column("confirmed", BigNumber, nullable=False),
    *core.account_columns("asked_by"),
    sa.Column("asked_at", UtcDateTime, nullable=False),
    sa.Column("written_serial", BigNumber),
    sa.Column("written_sha256", sa.Text),
    sa.UniqueConstraint("run_id"),
    sa.Index(None, "state_key"),
    sqlite_autoincrement=True,
)


class RestoreQueries(Transaction):
    """Reads inside one transaction."""

    async def restore(self, run_id: RunId) -> Restore | None:
        """Return the restore of a run."""
        row = await self._first(sa.select(restores).where(restores.c.run_id == run_id))
        if row is None:
            return None
        values = columns_of(Restore, row)
        return Restore(**values | {"stack": rows.to_stack(row)})

    async def snapshots(
        self, key: StateKey, *, serial: int | None = None, limit: int = 200
    ) -> Sequence[StateVersion]:
        """Return the versions of a state with a readable copy, newest first."""
        columns = core.state_versions.c
        query = sa.select(core.state_versions).where(
            columns.state_key == key, columns.object_key.is_not(None), columns.serial.is_not(None)
        )
        if serial is not None:
            query = query.where(columns.serial == serial)
        found = await self._all(query.order_by(columns.sequence.desc()).limit(limit))
        return [rows.to_state_version(row) for row in found]

    async def highest_serial(self, key: StateKey) -> int:
        """Return the highest recorded serial of a state; 0 if there is none."""
        # A restored state must have a higher serial than any that Terraform or Gatewright may have written.
        used = sa.union_all(
            *(
                sa.select(sa.func.max(column).label("serial")).where(column.table.c.state_key == key)
                for column in (
                    core.state_versions.c.serial,
                    core.plans.c.state_serial,
                    releases.c.state_serial,
                    errored_states.c.serial,
                    restores.c.written_serial,
                )
            )
        ).subquery()
        row = await self._first(sa.select(sa.func.max(used.c.serial).label("serial")))
        return 0 if row is None else int(row["serial"] or 0)


class RestoreStatements(RestoreQueries):
    """Reads and writes inside one transaction."""

    async def add_restore(self, restore: Restore) -> None:
        """Record a restore; does nothing if its run has one already."""
        statement = self._insert(restores, _values(restore))
        await self._connection.execute(statement.on_conflict_do_nothing(index_elements=["run_id"]))

    async def set_restore(self, restore: Restore) -> None:
        """Update a restore, with the state that is about to be written."""
        statement = sa.update(restores).where(restores.c.run_id == restore.run_id)
        await self._connection.execute(statement.values(_values(restore)))


def _values(restore: Restore) -> dict[str, Any]:
    return values_of(restore, without=("stack",)) | rows.stack_values(restore.stack)

"""Restored states: what was asked for, and what was about to be written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from bot.adapters.database import rows, tables
from bot.adapters.database.release_tables import releases
from bot.adapters.database.rescues import errored_states
from bot.adapters.database.transaction import Transaction
from bot.adapters.database.types import BigNumber, UtcDateTime
from bot.domain.model import RunId, StateKey
from bot.domain.restore import Restore
from bot.ports import StateVersion

restores = sa.Table(
    "state_restores",
    tables.metadata,
    tables.sequence_column(),
    tables.run_id_column(),
    *tables.stack_columns(),
    sa.Column("pull", BigNumber, nullable=False),
    sa.Column("serial", BigNumber, nullable=False),
    sa.Column("source_key", sa.Text, nullable=False),
    sa.Column("confirmed", BigNumber, nullable=False),
    sa.Column("asked_by", sa.Text, nullable=False),
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
        """Return what a run restores."""
        row = await self._first(sa.select(restores).where(restores.c.run_id == run_id))
        if row is None:
            return None
        values = {field.name: row[field.name] for field in fields(Restore) if field.name in row}
        return Restore(**values | {"stack": rows.to_stack(row)})

    async def snapshots(
        self, key: StateKey, *, serial: int | None = None, limit: int = 200
    ) -> Sequence[StateVersion]:
        """Return the versions of a state of which a readable copy was kept, newest first."""
        columns = tables.state_versions.c
        query = sa.select(tables.state_versions).where(
            columns.state_key == key, columns.object_key.is_not(None), columns.serial.is_not(None)
        )
        if serial is not None:
            query = query.where(columns.serial == serial)
        found = await self._all(query.order_by(columns.sequence.desc()).limit(limit))
        return [rows.to_state_version(row) for row in found]

    async def highest_serial(self, key: StateKey) -> int:
        """Return the highest serial on record for a state; 0 for none."""
        used = sa.union_all(
            *(
                sa.select(sa.func.max(column).label("serial")).where(column.table.c.state_key == key)
                for column in (
                    tables.state_versions.c.serial,
                    tables.plans.c.state_serial,
                    releases.c.state_serial,
                    errored_states.c.serial,
                    restores.c.written_serial,
                )
            )
        ).subquery()
        row = await self._first(sa.select(sa.func.max(used.c.serial).label("serial")))
        return 0 if row is None else int(row["serial"] or 0)


class RestoreStatements(RestoreQueries):
    """Reads and writes of one transaction."""

    async def add_restore(self, restore: Restore) -> None:
        """Record a restore; one per run."""
        statement = self._insert(restores, _values(restore))
        await self._connection.execute(statement.on_conflict_do_nothing(index_elements=["run_id"]))

    async def set_restore(self, restore: Restore) -> None:
        """Record what is about to be written for it."""
        statement = sa.update(restores).where(restores.c.run_id == restore.run_id)
        await self._connection.execute(statement.values(_values(restore)))


def _values(restore: Restore) -> dict[str, Any]:
    own = {field.name: getattr(restore, field.name) for field in fields(restore) if field.name != "stack"}
    return own | rows.stack_values(restore.stack)

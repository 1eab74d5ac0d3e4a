"""Queries and statements about reverts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import RowMapping

from bot.adapters.database.connection.transaction import Transaction
from bot.adapters.database.queries import rows
from bot.adapters.database.queries.fields import columns_of, values_of
from bot.adapters.database.tables.reverts import reverts
from bot.domain.core.model import PlanId, RunId, Stack
from bot.domain.releases.revert import Revert


class RevertQueries(Transaction):
    """Reads inside one transaction."""

    async def revert(self, run_id: RunId) -> Revert | None:
        """Return the revert that a run planned."""
        row = await self._row(reverts, run_id=run_id)
        return None if row is None else _to_revert(row)

    async def revert_of(self, plan_id: PlanId) -> Revert | None:
        """Return the revert that a plan belongs to."""
        row = await self._row(reverts, plan_id=plan_id)
        return None if row is None else _to_revert(row)

    async def reverts(self, stack: Stack, *, limit: int = 100) -> Sequence[Revert]:
        """Return the planned reverts of a state, newest first."""
        columns = reverts.c
        query = sa.select(reverts).where(columns.state_key == stack.state_key, columns.plan_id.is_not(None))
        return [
            _to_revert(row) for row in await self._all(query.order_by(columns.sequence.desc()).limit(limit))
        ]

    async def revert_opened_as(self, repo: str, pull: int) -> Sequence[Revert]:
        """Return the reverts for which a pull request was opened that reverts the code."""
        columns = reverts.c
        query = sa.select(reverts).where(columns.repo == repo, columns.opened_pull == pull)
        return [_to_revert(row) for row in await self._all(query.order_by(columns.sequence))]


class RevertStatements(RevertQueries):
    """Reads and writes inside one transaction."""

    async def add_revert(self, revert: Revert) -> None:
        """Record a revert; does nothing if its run has one already."""
        statement = self._insert(reverts, _values(revert))
        await self._connection.execute(statement.on_conflict_do_nothing(index_elements=["run_id"]))

    async def set_revert(self, revert: Revert) -> None:
        """Update all columns of a revert."""
        statement = sa.update(reverts).where(reverts.c.run_id == revert.run_id)
        await self._connection.execute(statement.values(_values(revert)))


def _values(revert: Revert) -> dict[str, Any]:
    own = values_of(revert, without=("stack",))
    more = {"undone": list(revert.undone), "notes": dict(revert.notes), "found": dict(revert.found)}
    return own | rows.stack_values(revert.stack) | more


def _to_revert(row: RowMapping) -> Revert:
    values = columns_of(Revert, row)
    return Revert(**values | {"stack": rows.to_stack(row), "undone": tuple(row["undone"])})

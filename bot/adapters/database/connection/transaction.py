"""The base class of all queries and statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.database.connection.errors import DatabaseError


class Transaction:
    """An open transaction of `connection`; a mixin per subject adds its queries."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def _first(
        self, query: sa.Executable, parameters: Mapping[str, Any] | None = None
    ) -> sa.RowMapping | None:
        return (await self._connection.execute(query, parameters)).mappings().first()

    async def _row(self, table: sa.Table, **key: Any) -> sa.RowMapping | None:
        """Return the first row whose columns have these values, none of which is None."""
        return await self._first(_row_of(table, tuple(key)), key)

    async def _all(self, query: sa.Executable) -> Sequence[sa.RowMapping]:
        return (await self._connection.execute(query)).mappings().all()

    async def _update(self, table: sa.Table, id: str, **values: Any) -> None:
        result = await self._connection.execute(sa.update(table).where(table.c.id == id).values(values))
        if result.rowcount == 0:
            raise DatabaseError(f"There is no record {id} in {table.name}.")

    def _insert(self, table: sa.Table, values: dict[str, Any]) -> postgresql.Insert | sqlite.Insert:
        # Only the dialects' own INSERT has ON CONFLICT.
        if self._connection.dialect.name == "postgresql":
            return postgresql.insert(table).values(values)
        return sqlite.insert(table).values(values)


@cache
def _row_of(table: sa.Table, names: tuple[str, ...]) -> sa.Select[Any]:
    """Return the query of a row, put together once: that takes longer than the query."""
    return sa.select(table).where(*(table.c[name] == sa.bindparam(name) for name in names))

"""What every query of one transaction needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.database.errors import DatabaseError


class Transaction:
    """One open transaction of `connection`; a mixin per concern adds its queries."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def _first(self, query: sa.Executable) -> sa.RowMapping | None:
        return (await self._connection.execute(query)).mappings().first()

    async def _all(self, query: sa.Executable) -> Sequence[sa.RowMapping]:
        return (await self._connection.execute(query)).mappings().all()

    async def _update(self, table: sa.Table, id: str, **values: Any) -> None:
        result = await self._connection.execute(sa.update(table).where(table.c.id == id).values(values))
        if result.rowcount == 0:
            raise DatabaseError(f"There is no record {id} in {table.name}.")

    def _insert(self, table: sa.Table, values: dict[str, Any]) -> postgresql.Insert | sqlite.Insert:
        if self._connection.dialect.name == "postgresql":
            return postgresql.insert(table).values(values)
        return sqlite.insert(table).values(values)

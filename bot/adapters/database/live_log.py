"""Queries of the lines that runs share while they go on."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from bot.adapters.database.tables import run_log_chunks
from bot.adapters.database.transaction import Transaction
from bot.domain.model import RunId
from bot.ports import LogChunk

_COLUMNS = run_log_chunks.c


class LogChunkQueries(Transaction):
    """Implements `LogChunkReader`."""

    async def log_chunks(self, run_id: RunId, *, after: int = 0, limit: int = 50) -> Sequence[LogChunk]:
        """Return chunks in order, without those that end at or before line `after`."""
        query = sa.select(run_log_chunks).order_by(_COLUMNS.start).limit(limit)
        query = query.where(_COLUMNS.run_id == run_id, _COLUMNS.start + _COLUMNS.lines > after)
        return [LogChunk(**row) for row in await self._all(query)]

    async def log_lines(self, run_id: RunId) -> int:
        """Return how many lines were shared."""
        end = sa.func.coalesce(sa.func.max(_COLUMNS.start + _COLUMNS.lines), 0).label("lines")
        row = await self._first(sa.select(end).where(_COLUMNS.run_id == run_id))
        return 0 if row is None else int(row["lines"])


class LogChunkStatements(Transaction):
    """Implements `LogChunkWriter`."""

    async def add_log_chunk(self, chunk: LogChunk) -> None:
        """Share some lines; those that another process shared in the meantime stay."""
        values = {
            "run_id": chunk.run_id,
            "start": chunk.start,
            "lines": chunk.lines,
            "data": chunk.data,
            "at": chunk.at,
        }
        statement = self._insert(run_log_chunks, values)
        await self._connection.execute(statement.on_conflict_do_nothing(index_elements=["run_id", "start"]))

    async def drop_log_chunks(self, run_id: RunId) -> None:
        """Forget what was shared, because the whole log is stored."""
        await self._connection.execute(sa.delete(run_log_chunks).where(_COLUMNS.run_id == run_id))

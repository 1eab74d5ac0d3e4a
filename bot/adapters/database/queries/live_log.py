"""Queries and statements about the log lines of active runs."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from bot.adapters.database.connection.transaction import Transaction
from bot.adapters.database.tables.core import run_log_chunks
from bot.domain.core.model import RunId
from bot.ports import LogChunk

_COLUMNS = run_log_chunks.c


class LogChunkQueries(Transaction):
    """Implements `LogChunkReader`."""

    async def log_chunks(self, run_id: RunId, *, after: int = 0, limit: int = 50) -> Sequence[LogChunk]:
        """Return the chunks with lines after line `after`, in order."""
        query = sa.select(run_log_chunks).order_by(_COLUMNS.start).limit(limit)
        query = query.where(_COLUMNS.run_id == run_id, _COLUMNS.start + _COLUMNS.lines > after)
        return [LogChunk(**row) for row in await self._all(query)]

    async def log_lines(self, run_id: RunId) -> int:
        """Return the number of recorded lines."""
        end = sa.func.coalesce(sa.func.max(_COLUMNS.start + _COLUMNS.lines), 0).label("lines")
        row = await self._first(sa.select(end).where(_COLUMNS.run_id == run_id))
        return 0 if row is None else int(row["lines"])


class LogChunkStatements(Transaction):
    """Implements `LogChunkWriter`."""

    async def add_log_chunk(self, chunk: LogChunk) -> None:
        """Record some lines; does nothing if a chunk begins at the same line already."""
        values = {
            "run_id": chunk.run_id,
            "start": chunk.start,
            "lines": chunk.lines,
            "data": chunk.data,
            "at": chunk.at,
        }
        # Another process that continued the run may have written the same lines.
        statement = self._insert(run_log_chunks, values)
        await self._connection.execute(statement.on_conflict_do_nothing(index_elements=["run_id", "start"]))

    async def drop_log_chunks(self, run_id: RunId) -> None:
        """Delete the lines of a run, whose whole log is stored elsewhere by now."""
        await self._connection.execute(sa.delete(run_log_chunks).where(_COLUMNS.run_id == run_id))

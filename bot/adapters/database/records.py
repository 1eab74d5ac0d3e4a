"""The bot's database: short reading and writing transactions over SQLite or PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from bot.adapters.database.connection.engines import (
    parse_url,
    prepare_file,
    prove_writable,
    reader_engine,
    writer_engine,
)
from bot.adapters.database.connection.errors import translated
from bot.adapters.database.connection.schema import read_status
from bot.adapters.database.ended_runs import EndedRuns
from bot.adapters.database.queries.audit import Wanted, audit
from bot.adapters.database.queries.reader import SqlReader
from bot.adapters.database.queries.write_buckets import Result, WriteBucketStatements
from bot.adapters.database.queries.writer import Enqueue, SqlWriter
from bot.domain.core.session_limits import USUAL, SessionLimits
from bot.domain.core.write_buckets import WriteState
from bot.ports import Reader, Writer


class Database:
    """Implements `Records` on `sqlite:////path/file.db` or `postgresql://…`.

    The schema must have been migrated; call `close` at the end. `enqueue` starts a job within the transaction
    of the given connection, or raises; a process without a durable engine passes None and cannot enqueue.
    `limits` apply to sessions on PostgreSQL. Raises DatabaseSettingError for an unusable URL.
    """

    def __init__(self, url: str, enqueue: Enqueue | None = None, *, limits: SessionLimits = USUAL) -> None:
        self._url = parsed = parse_url(url)
        prepare_file(parsed)
        self._enqueue = enqueue
        self._ended = EndedRuns()
        self._writing = writer_engine(parsed, limits)
        self._reading = reader_engine(parsed, self._writing)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Reader]:
        """Open a read-only transaction on a snapshot, which is taken by its first query."""
        with translated("reading the records"):
            async with self._reading.connect() as connection:
                yield SqlReader(connection, self._ended)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Writer]:
        """Open a transaction, to be committed at the end of the block; an exception rolls it back.

        Await nothing else inside the block: on SQLite all other writers are blocked until it ends.
        """
        with translated("writing the records"):
            async with self._writing.begin() as connection:
                yield SqlWriter(connection, self._enqueue)

    async def change_writes(
        self, installation: str, step: Callable[[WriteState], tuple[WriteState, Result]]
    ) -> Result:
        """Update the count of writes to GitHub for all processes; see `bot.ports.write_ledger`."""
        with translated("counting the writes to GitHub"):
            async with self._writing.begin() as connection:
                return await WriteBucketStatements(connection).change_writes(installation, step)

    async def store_writes(self, installation: str, state: WriteState) -> None:
        """Replace the count of writes to GitHub; see `bot.ports.write_ledger`."""
        with translated("counting the writes to GitHub"):
            async with self._writing.begin() as connection:
                await WriteBucketStatements(connection).store_writes(installation, state)

    @property
    def is_shared(self) -> bool:
        """Whether several processes may use the database at the same time; False for SQLite."""
        return self._url.get_backend_name() == "postgresql"

    async def check(self) -> None:
        """Check that the database answers, is writable and is migrated; raises DatabaseError."""
        with translated("checking the database"):
            # A process that cannot write must not count as ready, although its queries would succeed.
            async with self._reading.connect() as connection:
                status = await connection.run_sync(read_status)
            await asyncio.to_thread(prove_writable, self._url)
        status.require_usable()

    async def audit(self, wanted: Wanted) -> AsyncGenerator[dict[str, Any]]:
        """Yield the requested audit records as JSON values, all from one snapshot."""
        with translated("exporting the audit"):
            async with self._reading.connect() as connection:
                async for record in audit(connection, wanted):
                    yield record

    async def close(self) -> None:
        """Close every connection."""
        await self._reading.dispose()
        await self._writing.dispose()

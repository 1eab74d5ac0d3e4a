"""The bot's database: short reading and writing transactions over SQLite or PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from bot.adapters.database.audit import Wanted, audit
from bot.adapters.database.engines import (
    parse_url,
    prepare_file,
    prove_writable,
    reader_engine,
    writer_engine,
)
from bot.adapters.database.errors import translated
from bot.adapters.database.reader import SqlReader
from bot.adapters.database.schema import read_status
from bot.adapters.database.write_buckets import Result, WriteBucketStatements
from bot.adapters.database.writer import Enqueue, SqlWriter
from bot.domain.session_limits import USUAL, SessionLimits
from bot.domain.write_buckets import WriteState
from bot.ports import Reader, Writer


class Database:
    """`Records` at `sqlite:////path/file.db` or `postgresql://…`; `migrate` it first, `close` it at the end.

    `enqueue` starts a job in the transaction of the connection that it is given, or raises; a process without
    a durable engine leaves it out and cannot enqueue. `limits` hold for its sessions on PostgreSQL. Raises
    DatabaseSettingError for a URL that cannot work.
    """

    def __init__(self, url: str, enqueue: Enqueue | None = None, *, limits: SessionLimits = USUAL) -> None:
        self._url = parsed = parse_url(url)
        prepare_file(parsed)
        self._enqueue = enqueue
        self._writing = writer_engine(parsed, limits)
        self._reading = reader_engine(parsed, self._writing)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Reader]:
        """Hold a transaction that sees the database as it was at its first query, and cannot write."""
        with translated("reading the records"):
            async with self._reading.connect() as connection:
                yield SqlReader(connection)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Writer]:
        """Hold a transaction that commits at the end of the block and is undone when the block raises.

        Keep it short and free of any other waiting: on SQLite everybody else who writes waits for it.
        """
        with translated("writing the records"):
            async with self._writing.begin() as connection:
                yield SqlWriter(connection, self._enqueue)

    async def change_writes(
        self, installation: str, step: Callable[[WriteState], tuple[WriteState, Result]]
    ) -> Result:
        """Count writes to GitHub for all processes; see `bot.ports.write_ledger`."""
        with translated("counting the writes to GitHub"):
            async with self._writing.begin() as connection:
                return await WriteBucketStatements(connection).change_writes(installation, step)

    async def check(self) -> None:
        """Prove that the database answers, takes writes, and has a schema not older than the code; raises DatabaseError."""
        with translated("checking the database"):
            async with self._reading.connect() as connection:
                status = await connection.run_sync(read_status)
            await asyncio.to_thread(prove_writable, self._url)
        status.require_usable()

    async def audit(self, wanted: Wanted) -> AsyncGenerator[dict[str, Any]]:
        """Yield the wanted records of the audit as JSON values, all as of one moment; see `bot.adapters.database.audit`."""
        with translated("exporting the audit"):
            async with self._reading.connect() as connection:
                async for record in audit(connection, wanted):
                    yield record

    async def close(self) -> None:
        """Close every connection."""
        await self._reading.dispose()
        await self._writing.dispose()

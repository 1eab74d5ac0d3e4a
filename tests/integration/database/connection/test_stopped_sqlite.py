"""A process that was stopped in the middle of a write to SQLite."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from bot.adapters.database import Database, migrate
from bot.adapters.database.connection.errors import DatabaseUnavailableError
from bot.domain.core.model import DeliveryId
from tests.fakes.records.rows import a_delivery

_WRITER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE deliveries SET note = 'half done'")
print("holding", flush=True)
time.sleep(600)
"""


async def test_a_stopped_writer_holds_sqlite_until_it_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "bot.db"
    migrate(f"sqlite:///{file}")
    database = Database(f"sqlite:///{file}")
    async with database.write() as writer:
        await writer.add_delivery(a_delivery("guid-1"))
    # Given a process that is stopped while it writes,
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _WRITER, str(file), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"holding\n"
    process.send_signal(signal.SIGSTOP)

    # then others are told so, and readers go on,
    with pytest.raises(DatabaseUnavailableError) as failure:
        await database.check()
    async with database.read() as reader:
        before = await reader.delivery(DeliveryId("guid-1"))
    # and when it is killed, what it had begun is undone, and writing goes on.
    process.kill()
    await process.wait()
    await database.check()
    async with database.write() as writer:
        await writer.finish_delivery(DeliveryId("guid-1"), "handled", "done")
        after = await writer.delivery(DeliveryId("guid-1"))
    await database.close()

    assert failure.value.temporary
    assert before is not None
    assert before.note != "half done"
    assert after is not None
    assert after.note == "done"

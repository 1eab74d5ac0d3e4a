"""The ledger of writes to GitHub: the database's, and the one of a process that has no database."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.adapters.database import Database
from bot.adapters.github.pacing import OwnLedger, SoleLedger
from bot.domain.core.write_buckets import Lease, Turn, WriteKind, WriteLimits, WriteState, ask, close
from bot.ports.write_ledger import WriteLedger
from tests.integration.conftest import Inspector
from tests.integration.database import writing_process

ROOT = Path(__file__).parents[3]
CONTENT = WriteKind(awaited=True, content=True)
RECORD = WriteKind(awaited=False, content=False)
NOW = 1_772_366_400.0


@pytest.fixture
async def second(url: str) -> AsyncIterator[Database]:
    """Another process's connections to the same database."""
    database = Database(url)
    yield database
    await database.close()


@pytest.fixture(params=["database", "own", "sole"])
def ledger(request: pytest.FixtureRequest, records: Database) -> WriteLedger:
    ledgers: dict[str, WriteLedger] = {"database": records, "own": OwnLedger(), "sole": SoleLedger(records)}
    return ledgers[request.param]


async def take(ledger: WriteLedger, holder: str, *kinds: WriteKind, org: str = "acme") -> Turn:
    def step(state: WriteState) -> tuple[WriteState, Turn]:
        return ask(state, WriteLimits(), holder, kinds, NOW)

    return await ledger.change_writes(org, step)


async def look(ledger: WriteLedger, org: str = "acme") -> WriteState:
    return await ledger.change_writes(org, lambda state: (state, state))


async def test_a_state_comes_back_as_it_was_put_in_force(ledger: WriteLedger) -> None:
    await take(ledger, "one", CONTENT)
    await take(ledger, "two", CONTENT, RECORD)
    await ledger.change_writes("acme", lambda state: (close(state, NOW + 60), None))

    state = await look(ledger)

    assert state.spent["content_minute"] == ((NOW, 1),)
    assert state.lease == Lease(holder="one", until=NOW + 10)
    assert [claim.kind for claim in state.claims["two"]] == [CONTENT, RECORD]
    assert state.closed_until == NOW + 60


async def test_installations_are_counted_apart(ledger: WriteLedger) -> None:
    await take(ledger, "one", CONTENT)

    turn = await take(ledger, "two", CONTENT, org="other")

    assert turn.granted == CONTENT
    assert await look(ledger, "third") == WriteState()


async def test_nothing_is_put_in_force_when_the_step_fails(ledger: WriteLedger) -> None:
    await take(ledger, "one", CONTENT)
    before = await look(ledger)

    with pytest.raises(ZeroDivisionError):
        await ledger.change_writes("acme", lambda state: (state, 1 // 0))

    assert await look(ledger) == before


async def test_changes_of_two_connections_do_not_overwrite_each_other(
    records: Database, second: Database
) -> None:
    asks = [take(ledger, "same", CONTENT) for ledger in (records, second) for _ in range(40)]

    turns = await asyncio.gather(*asks)

    assert [turn.granted for turn in turns].count(CONTENT) == 50
    assert sum(count for _, count in (await look(second)).spent["minute"]) == 50


async def test_two_processes_spend_together_what_one_may(fresh_url: str) -> None:
    argv = [sys.executable, "-m", writing_process.__name__, fresh_url]
    processes = [
        await asyncio.create_subprocess_exec(*argv, name, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
        for name in ("one", "two")
    ]

    told = await asyncio.gather(*(process.communicate() for process in processes))

    assert [process.returncode for process in processes] == [0, 0]
    assert sum(int(out) for out, _ in told) == writing_process.TOKENS


@pytest.mark.parametrize("text", ["", "{", '{"spent": 3}'], ids=["nothing", "torn", "another version's"])
async def test_what_cannot_be_read_counts_as_nothing(
    records: Database, inspector: Inspector, text: str
) -> None:
    await take(records, "one", CONTENT)
    inspector.execute(f"UPDATE write_buckets SET state = '{text}'")  # noqa: S608 -- One of the texts above.

    turn = await take(records, "two", CONTENT)

    assert turn.granted == CONTENT


async def test_a_release_of_one_lets_another_connection_write(records: Database, second: Database) -> None:
    await take(records, "one", RECORD)

    busy = await take(second, "two", RECORD)
    again = await take(records, "one")
    free = await take(second, "two", RECORD)

    assert (busy.granted, again.granted, free.granted) == (None, None, RECORD)


async def test_the_next_process_counts_what_the_only_one_has_spent(records: Database) -> None:
    ledger = SoleLedger(records)
    await take(ledger, "one", CONTENT)
    await ledger.change_writes("acme", lambda state: (close(state, NOW + 60), None))

    state = await look(SoleLedger(records))

    assert state.spent["content_minute"] == ((NOW, 1),)
    assert state.closed_until == NOW + 60

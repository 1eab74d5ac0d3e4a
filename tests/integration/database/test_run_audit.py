from __future__ import annotations

from datetime import timedelta

from bot.adapters.database import Database
from bot.domain.core.model import RunId
from bot.domain.core.refusals import Reason
from bot.domain.gates import GateResult, Outcome
from bot.ports import Download
from tests.fakes.accounts import account
from tests.fakes.records.rows import NOW, a_run
from tests.integration.conftest import Inspector

RUN = RunId("run-1")
OPEN = GateResult(gate="head", outcome=Outcome.PASS, sentence="It is of the newest commit.")
SHUT = GateResult(
    gate="hold",
    outcome=Outcome.FAIL,
    sentence="Closed\x00.",
    reason=Reason.HOLD,
    opens_with="wait",
)


async def add_run(records: Database) -> None:
    async with records.write() as writer:
        assert await writer.add_run(a_run(), NOW) is not None


async def test_gates_come_back_in_order_and_repeated_step_replaces_them(records: Database) -> None:
    await add_run(records)

    async with records.write() as writer:
        await writer.record_gates(RUN, [OPEN])
    async with records.write() as writer:
        await writer.record_gates(RUN, [SHUT, OPEN])
    async with records.read() as reader:
        gates = await reader.gates(RUN)
        others = await reader.gates(RunId("another"))

    assert [gate.gate for gate in gates] == ["hold", "head"]
    assert (gates[0].reason, gates[0].sentence, gates[1]) == (
        Reason.HOLD,
        "Closed\N{REPLACEMENT CHARACTER}.",
        OPEN,
    )
    assert others == []


async def test_downloads_are_remembered_in_order(records: Database) -> None:
    await add_run(records)
    asked = [
        Download(run_id=RUN, name="kubeconfig", by=account(login), at=NOW, allowed=allowed)
        for login, allowed in (("mallory", False), ("dev", True))
    ]

    async with records.write() as writer:
        for each in asked:
            await writer.add_download(each)
    async with records.read() as reader:
        assert await reader.downloads(RUN) == asked


async def test_ended_session_is_known_until_it_would_end_by_itself(
    records: Database, inspector: Inspector
) -> None:
    later = NOW + timedelta(hours=8)
    async with records.write() as writer:
        await writer.end_session("one", now=NOW, until=later)
        await writer.end_session("one", now=NOW, until=later)
    async with records.read() as reader:
        known = await reader.is_session_ended("one"), await reader.is_session_ended("two")

    async with records.write() as writer:
        await writer.end_session("two", now=later + timedelta(seconds=1), until=later + timedelta(hours=8))

    assert known == (True, False)
    assert inspector.rows("SELECT session FROM ended_sessions") == [("two",)]

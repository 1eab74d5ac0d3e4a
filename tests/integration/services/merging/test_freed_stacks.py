"""Whoever waits for a stack hears that it is free, wherever the process that freed it was cut off."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any, cast

import pytest

from bot.adapters.database import Database
from bot.domain.core.accounts import SELF
from bot.domain.core.model import ProjectName, Repo, RunId, RunKind, RunStatus, Stack, StateKey
from bot.services.dispatch.run_dispatch import RunDispatch
from bot.services.dispatch.run_kinds import RunKinds
from bot.services.merging.syncing import Syncing
from bot.services.recovery.dead_letters import DeadLetters
from bot.services.reporting.apply_reports import ApplyReports
from bot.services.runs import sequences
from bot.services.runs.requests import RunRequests
from tests.fakes.accounts import account
from tests.fakes.admission import ServesAll
from tests.fakes.clock import HandClock
from tests.fakes.records.rows import NOW, PROD, REPO, STAGING, a_lock, a_run
from tests.integration.services.scene import REPOSITORY

NETWORK = replace(STAGING, project=ProjectName("network"), state_key=StateKey("staging/network.tfstate"))


@dataclass
class Adapters:
    """Whoever tells something, and whoever is told which stacks are free."""

    freed_stacks: list[Stack] = field(default_factory=list)

    async def report_change(self, _: RunId) -> None: ...

    async def report(self, _: RunId) -> None: ...

    async def once(self, *_: object, **_options: object) -> None: ...

    async def known_repository(self, _: str) -> Repo:
        return REPOSITORY

    async def freed(self, stack: Stack) -> int:
        self.freed_stacks.append(stack)
        return 0

    def __getattr__(self, _: str) -> Callable[..., Awaitable[None]]:
        return self.once


def dispatch_of(outside: Adapters, *, records: Database, **services: object) -> RunDispatch:
    given = cast("Any", outside)
    kinds = dict.fromkeys((each.name for each in fields(RunKinds)), given)
    return RunDispatch(
        records=records,
        admission=cast("Any", ServesAll()),
        kinds=RunKinds(**kinds | {"records": records} | services),
        outbox=given,
        reporting=given,
        plan_comments=given,
    )


async def test_merge_cut_off_names_what_it_has_freed_once_more(records: Database) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run(), NOW)
        for stack in (STAGING, PROD):
            await writer.take_lock(a_lock(stack=stack))
    run_requests = RunRequests(records=records, clock=HandClock())

    first, again, later = [
        await run_requests.release_locks(
            REPO, 7, by=account("dana"), why="it was merged", cause=cause, but=[PROD.state_key]
        )
        for cause in ("guid-1", "guid-1", "guid-2")
    ]

    assert (first, again, later) == ((STAGING,), (STAGING,), ())


@pytest.fixture
async def stopped(records: Database) -> Database:
    """An apply that failed, and the one behind it, which was skipped and has given its stack back."""
    async with records.write() as writer:
        first = await writer.add_run(a_run("run-1", kind=RunKind.APPLY, stack=NETWORK), NOW)
        await writer.add_run(a_run("run-2", kind=RunKind.APPLY), NOW)
        await writer.take_lock(a_lock(run_id=RunId("run-2")))
        assert first is not None
        await writer.move_run(first.id, RunStatus.FAILED, at=NOW, actor=SELF, why="refused")
        await sequences.continue_sequence(writer, first, RunStatus.FAILED, NOW)
        assert await writer.lock(STAGING) is None
    return records


async def test_lock_of_a_skipped_apply_is_free_for_waiters(stopped: Database) -> None:
    outside = Adapters()
    given = cast("Any", outside)
    telling = ApplyReports(records=stopped, policies=given, poster=given, links=given)

    await dispatch_of(outside, records=stopped, apply_reports=telling, reporting=given).report(RunId("run-1"))

    assert outside.freed_stacks == [STAGING]


@pytest.mark.parametrize(
    ("begun", "freed"),
    [
        pytest.param(False, [STAGING], id="before it changed anything"),
        pytest.param(True, [], id="while it was applied"),
    ],
)
async def test_abandoned_merge_keeps_only_stacks_it_may_have_changed(
    records: Database, *, begun: bool, freed: list[Stack]
) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run("run-1", kind=RunKind.SYNC), NOW)
        await writer.take_lock(a_lock())
        if begun:
            await writer.record_intent(RunId("run-1"), NOW)
        await writer.move_run(RunId("run-1"), RunStatus.PREPARING, at=NOW, actor=SELF, why="")
    await DeadLetters(records=records, clock=HandClock()).record("execute_change", "run-1", "StoreError: 503")
    outside = Adapters()
    given = cast("Any", outside)
    syncing = Syncing(
        records=records, policies=given, planning=given, applying=given, completion=given, clock=HandClock()
    )

    await dispatch_of(outside, records=records, syncing=syncing).report(RunId("run-1"))

    async with records.read() as reader:
        assert (await reader.lock(STAGING) is None) is not begun
    assert outside.freed_stacks == freed

"""Whoever waits for a stack hears that it is free, wherever the process that freed it was cut off."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, cast

import pytest

from bot.adapters.database import Database
from bot.domain.model import Login, ProjectName, Repo, RunId, RunKind, RunStatus, Stack, StateKey
from bot.services import sequences
from bot.services.changing import Changing
from bot.services.losses import Losses
from bot.services.requesting import Requesting
from bot.services.sequence_reports import SequenceReports
from bot.services.syncing import Syncing
from tests.integration.database.builders import NOW, PROD, REPO, STAGING, a_lock, a_run
from tests.integration.database.test_losses import Noon
from tests.integration.database.test_reverts import REPOSITORY

NETWORK = replace(STAGING, project=ProjectName("network"), state_key=StateKey("staging/network.tfstate"))


@dataclass
class Outside:
    """Whoever tells something, and whoever is told which stacks are free."""

    freed_stacks: list[Stack] = field(default_factory=list)

    async def report_change(self, _: RunId) -> None: ...

    async def report(self, _: RunId) -> None: ...

    async def once(self, *_: object) -> None: ...

    async def known_repository(self, _: str) -> Repo:
        return REPOSITORY

    async def freed(self, stack: Stack) -> int:
        self.freed_stacks.append(stack)
        return 0


async def test_a_merge_that_was_cut_off_names_what_it_has_freed_once_more(records: Database) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run(), NOW)
        for stack in (STAGING, PROD):
            await writer.take_lock(a_lock(stack=stack))
    requesting = Requesting(records=records, clock=Noon())

    first, again, later = [
        await requesting.release_locks(
            REPO, 7, by=Login("dana"), why="it was merged", cause=cause, but=[PROD.state_key]
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
        await writer.move_run(first.id, RunStatus.FAILED, at=NOW, actor="gatewright", why="refused")
        await sequences.go_on(writer, first, RunStatus.FAILED, NOW)
        assert await writer.lock(STAGING) is None
    return records


async def test_what_was_held_for_an_apply_that_is_skipped_is_free_for_who_waits(stopped: Database) -> None:
    outside = Outside()
    given = cast("Any", outside)
    telling = SequenceReports(records=stopped, github=given, poster=given)
    parts = {each.name: given for each in fields(Changing)}

    await Changing(**parts | {"records": stopped, "sequence_reports": telling}).report(RunId("run-1"))

    assert outside.freed_stacks == [STAGING]


@pytest.mark.parametrize(
    ("begun", "freed"),
    [
        pytest.param(False, [STAGING], id="before it changed anything"),
        pytest.param(True, [], id="while it was applied"),
    ],
)
async def test_a_merge_that_was_given_up_keeps_its_stack_only_where_it_may_have_changed_it(
    records: Database, *, begun: bool, freed: list[Stack]
) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run("run-1", kind=RunKind.SYNC), NOW)
        await writer.take_lock(a_lock())
        if begun:
            await writer.record_intent(RunId("run-1"), NOW)
        await writer.move_run(RunId("run-1"), RunStatus.PREPARING, at=NOW, actor="gatewright", why="")
    await Losses(records=records, clock=Noon()).record("execute_change", "run-1", "StoreError: 503")
    outside = Outside()
    given = cast("Any", outside)
    syncing = Syncing(
        records=records, policies=given, planning=given, applying=given, endings=given, clock=Noon()
    )
    parts = {each.name: given for each in fields(Changing)}

    await Changing(**parts | {"records": records, "syncing": syncing}).report(RunId("run-1"))

    async with records.read() as reader:
        assert (await reader.lock(STAGING) is None) is not begun
    assert outside.freed_stacks == freed

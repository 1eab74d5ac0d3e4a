"""Two pull requests that want the same stack in the same moment, each heard by a worker of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any, TypeVar, cast

import pytest

from bot.adapters.database import Database
from bot.adapters.database.errors import DatabaseUnavailableError
from bot.domain.model import (
    Login,
    PlanStatus,
    ProjectName,
    Repo,
    Run,
    RunId,
    RunKind,
    RunStatus,
    Stack,
    StateKey,
)
from bot.domain.waiting import Wait, WaitReason
from bot.policy import load_policy
from bot.ports import Writer
from bot.services import locking
from bot.services.endings import Ending, record_end
from bot.services.plan_comments import PlanComments
from bot.services.policies import LoadedPolicy
from bot.services.requesting import Requesting, cancel_run
from bot.services.state_owners import StateOwners
from bot.services.tenancy import Tenancy
from bot.services.waiting import Waiting
from tests.integration.database.builders import NOW, PROD, REPO, STAGING, a_lock, a_plan, a_run
from tests.integration.database.conftest import Inspector
from tests.integration.database.test_losses import Noon
from tests.integration.database.test_reverts import REPOSITORY, loaded, wish

_Result = TypeVar("_Result")
OURS, THEIRS = 7, 8
WITH_TEST = """
version: 1
terraform: {engine: terraform, version: "1.11.4"}
environments:
  test: {lifecycle: pull_request}
"""
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


@dataclass
class Outside:
    """GitHub, where nothing can be read but who owns the repository, and whoever hears of free stacks."""

    freed_stacks: list[Stack] = field(default_factory=list)

    async def known_repository(self, _: str) -> Repo:
        return REPOSITORY

    async def sticky(self, *_: object) -> None: ...

    async def known(self, _: str) -> LoadedPolicy:
        return loaded()

    async def start_sync(self, stack: Stack) -> bool:
        self.freed_stacks.append(stack)
        return True


@pytest.fixture
async def planned(records: Database) -> Database:
    async with records.write() as writer:
        await writer.add_run(a_run("run-1", pull=OURS), NOW)
        await writer.add_run(a_run("run-2", pull=THEIRS), NOW)
        await writer.add_plan(a_plan(pull=OURS))
    return records


async def while_they_take_it(
    records: Database, inspector: Inspector, kind: str, want: Callable[[], Coroutine[object, object, _Result]]
) -> _Result:
    """Let the other pull request take the stack, and have it wanted before that is committed."""
    async with asyncio.timeout(20), records.write() as writer:
        assert await writer.lock(STAGING) is None
        await writer.take_lock(a_lock(THEIRS, run_id=RunId("run-2")))
        task = asyncio.create_task(want())
        await until_it_waits(inspector, kind)
    return await task


async def until_it_waits(inspector: Inspector, kind: str) -> None:
    """On SQLite it waits for its turn to write, on PostgreSQL for what the other one holds."""
    while kind == "postgresql" and await asyncio.to_thread(inspector.rows, WAITING) == [(0,)]:
        pass


def owners(records: Any) -> StateOwners:
    return StateOwners(records=records, clock=Noon(), bucket="states")


async def test_the_second_of_two_that_deploy_at_once_waits_in_line(
    planned: Database, inspector: Inspector, kind: str
) -> None:
    given = cast("Any", Outside())
    tenancy = Tenancy(records=planned, github=given, poster=given, owners=owners(planned), clock=Noon())

    await while_they_take_it(planned, inspector, kind, lambda: tenancy.deploy(wish(), [STAGING]))

    async with planned.read() as reader:
        line = await reader.waiting(state_key=STAGING.state_key)
    assert [one.pull for one in line] == [wish().pull.number]
    assert inspector.started() == []


@dataclass
class CutOff:
    """A worker that is killed before its second transaction."""

    records: Database
    left: int = 1

    def write(self) -> AbstractAsyncContextManager[Writer]:
        self.left -= 1
        if self.left < 0:
            raise DatabaseUnavailableError("killed")
        return self.records.write()


async def test_projects_are_deployed_one_after_the_other_also_when_a_worker_dies_in_between(
    records: Database, inspector: Inspector
) -> None:
    given = cast("Any", Outside())
    stacks = [
        STAGING,
        replace(STAGING, project=ProjectName("app"), state_key=StateKey("app/terraform.tfstate")),
    ]

    for whose in (CutOff(records), records):
        tenancy = Tenancy(
            records=cast("Any", whose), github=given, poster=given, owners=owners(whose), clock=Noon()
        )
        with suppress(DatabaseUnavailableError):
            await tenancy.deploy(wish(), stacks)

    async with records.read() as reader:
        runs = await reader.runs()
    assert [run.stack.project for run in reversed(runs)] == ["default", "app"]
    assert inspector.started() == [f"run-{runs[-1].id}"]


async def test_the_second_of_two_that_apply_at_once_is_told_who_holds_it(
    planned: Database, inspector: Inspector, kind: str
) -> None:
    requesting = Requesting(records=planned, clock=Noon())

    held = await while_they_take_it(
        planned, inspector, kind, lambda: requesting.apply(wish(), [a_plan(pull=OURS)])
    )

    assert held is not None
    assert held.pull == THEIRS
    async with planned.read() as reader:
        assert await reader.runs(kinds=(RunKind.APPLY,)) == []


async def nothing(_: Requesting) -> None: ...


async def apply_both(requesting: Requesting) -> None:
    for_both = [a_plan(pull=OURS), a_plan("p3456789", pull=OURS, stack=PROD)]
    assert await requesting.apply(wish(), for_both) is None


async def deploy_both(requesting: Requesting) -> None:
    given = cast("Any", Outside())
    tenancy = Tenancy(
        records=requesting.records, github=given, poster=given, owners=owners(planned), clock=Noon()
    )
    await tenancy.deploy(wish(), [STAGING, PROD])


async def hold_both(requesting: Requesting) -> None:
    async with requesting.records.write() as writer:
        for stack in (STAGING, PROD):
            await writer.take_lock(a_lock(OURS, stack=stack, since=NOW - timedelta(days=stack == STAGING)))


async def release_both(requesting: Requesting) -> None:
    freed = await requesting.release_locks(REPO, OURS, by=Login("dana"), why="merged", cause="guid-1")
    assert set(freed) == {STAGING, PROD}


@pytest.mark.parametrize(
    ("before", "want"),
    [(nothing, apply_both), (nothing, deploy_both), (hold_both, release_both)],
    ids=["applies", "deploys", "gives them back"],
)
async def test_whoever_acts_on_several_stacks_never_waits_for_one_while_keeping_a_later_one(
    planned: Database,
    inspector: Inspector,
    kind: str,
    before: Callable[[Requesting], Coroutine[object, object, None]],
    want: Callable[[Requesting], Coroutine[object, object, None]],
) -> None:
    requesting = Requesting(records=planned, clock=Noon())
    await before(requesting)

    async with asyncio.timeout(20), planned.write() as writer:
        await writer.lock(PROD)
        task = asyncio.create_task(want(requesting))
        await until_it_waits(inspector, kind)
        await writer.lock(STAGING)

    await task


async def test_whoever_leaves_destroys_nothing_that_another_one_has_claimed_since(
    planned: Database, inspector: Inspector, kind: str
) -> None:
    given, policy = cast("Any", Outside()), load_policy(WITH_TEST)
    tenancy = Tenancy(records=planned, github=given, poster=given, owners=owners(planned), clock=Noon())
    (stack,) = policy.stacks(REPO, pull=OURS)
    async with planned.write() as writer:
        await writer.take_lock(a_lock(OURS, stack=stack))

    async with asyncio.timeout(20), planned.write() as writer:
        await writer.lock(stack)
        await writer.release_lock(stack)
        await writer.take_lock(a_lock(THEIRS, stack=stack, run_id=RunId("run-2")))
        task = asyncio.create_task(tenancy.leave(REPOSITORY, OURS, policy, by=Login("dana"), cause="guid-1"))
        await until_it_waits(inspector, kind)

    assert await task == ()
    async with planned.read() as reader:
        assert await reader.runs(kinds=(RunKind.DESTROY,)) == []


async def cancel(records: Database, run: Run) -> None:
    async with records.write() as writer:
        await cancel_run(writer, run, Login("dana"), NOW)


async def fail(records: Database, run: Run) -> None:
    failed = Ending(status=RunStatus.FAILED, failure=None, summary="refused", detail={})
    async with records.write() as writer:
        await record_end(writer, run, failed, NOW, plan=None)


@pytest.mark.parametrize("end", [cancel, fail])
async def test_whoever_ends_an_apply_asks_for_the_stacks_of_those_behind_it_before_it_changes_anything(
    records: Database,
    inspector: Inspector,
    kind: str,
    end: Callable[[Database, Run], Coroutine[object, object, None]],
) -> None:
    async with records.write() as writer:
        run = await writer.add_run(a_run("run-1", kind=RunKind.APPLY), NOW)
        behind = replace(STAGING, project=ProjectName("app"), state_key=StateKey("app/terraform.tfstate"))
        await writer.add_run(a_run("run-2", kind=RunKind.APPLY, stack=behind), NOW)
    assert run is not None

    async with asyncio.timeout(20), records.write() as writer:
        await writer.lock(behind)
        task = asyncio.create_task(end(records, run))
        await until_it_waits(inspector, kind)
        await writer.request_cancel(run.id, Login("erin"))

    await task


async def test_a_comment_that_was_posted_does_not_keep_its_plan_from_whoever_makes_it_void(
    planned: Database, inspector: Inspector, kind: str
) -> None:
    given, plan = cast("Any", Outside()), a_plan(pull=OURS)
    others = {each.name: given for each in fields(PlanComments)}
    comments = PlanComments(**others | {"records": planned, "clock": Noon()})

    async with asyncio.timeout(20), planned.write() as writer:
        await writer.lock(STAGING)
        task = asyncio.create_task(comments._posted(replace(plan, posted_at=None), given, NOW))
        await until_it_waits(inspector, kind)
        await writer.set_plan_status(plan.id, PlanStatus.STALE, "the state was restored")

    assert not await task


async def test_everybody_is_told_of_more_than_a_hundred_stacks_that_a_merge_frees(planned: Database) -> None:
    requesting = Requesting(records=planned, clock=Noon())
    stacks = [replace(STAGING, state_key=StateKey(f"{number}/terraform.tfstate")) for number in range(101)]
    async with planned.write() as writer:
        for stack in stacks:
            await writer.take_lock(a_lock(OURS, stack=stack))

    freed = await requesting.release_locks(REPO, OURS, by=Login("dana"), why="merged", cause="guid-1")

    assert set(freed) == set(stacks)


def waiting_of(records: Database, outside: Outside) -> Waiting:
    given = cast("Any", outside)
    return Waiting(
        records=records,
        github=given,
        requesting=given,
        policies=given,
        poster=given,
        plan_comments=given,
        clock=Noon(),
        start_sync=outside.start_sync,
        login=Login("gatewright"),
    )


async def test_whoever_is_refused_again_does_not_keep_the_wait_from_whoever_ends_it(
    planned: Database, inspector: Inspector, kind: str
) -> None:
    wait = Wait(stack=STAGING, pull=OURS, reason=WaitReason.REFUSED, since=NOW)
    async with planned.write() as writer:
        await writer.add_wait(wait)

    async with asyncio.timeout(20), planned.write() as writer:
        await writer.lock(STAGING)
        task = asyncio.create_task(waiting_of(planned, Outside()).refused(STAGING, OURS))
        await until_it_waits(inspector, kind)
        for ended in await writer.waits(STAGING.state_key):
            await writer.end_wait(ended.number)

    await task


async def test_whoever_was_refused_for_a_stack_that_is_free_by_now_does_not_wait_for_ever(
    planned: Database,
) -> None:
    outside = Outside()
    waiting = waiting_of(planned, outside)

    await waiting.refused(STAGING, OURS)

    assert outside.freed_stacks == [STAGING]


async def test_nobody_gives_up_what_another_pull_request_has_taken_since(planned: Database) -> None:
    read_before = a_lock(OURS)
    async with planned.write() as writer:
        await writer.take_lock(a_lock(THEIRS, run_id=RunId("run-2")))

    async with planned.write() as writer:
        await locking.give(writer, read_before, by=Login("dana"), why="/unlock", at=NOW, cause="guid-1")

    async with planned.read() as reader:
        lock, events = await reader.lock(STAGING), await reader.lock_events(repo=STAGING.repo)
    assert lock is not None
    assert (lock.pull, events) == (THEIRS, [])

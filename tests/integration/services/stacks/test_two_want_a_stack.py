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
from bot.adapters.database.connection.errors import DatabaseUnavailableError
from bot.domain.core.model import (
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
from bot.domain.environments.waits import Wait, WaitReason
from bot.policy import load_policy
from bot.ports import Writer
from bot.services.environments.leases import EnvironmentLeases
from bot.services.environments.lock_waiters import Waiting
from bot.services.reporting.pull_plan_rows import read_rows
from bot.services.reporting.pull_plans import PullPlanComments
from bot.services.runs.requests import RunRequests, cancel_run
from bot.services.runs.run_completion import Ending, record_end
from bot.services.stacks import locking
from bot.services.stacks.policies import LoadedPolicy
from bot.services.stacks.state_owners import StateOwners
from tests.fakes.accounts import account
from tests.fakes.clock import HandClock
from tests.fakes.records.rows import NOW, PROD, REPO, STAGING, a_lock, a_plan, a_run
from tests.integration.conftest import Inspector
from tests.integration.services.scene import REPOSITORY, loaded, trigger

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
class Adapters:
    """GitHub, where nothing can be read but who owns the repository, and whoever hears of free stacks."""

    freed_stacks: list[Stack] = field(default_factory=list)

    async def known_repository(self, _: str) -> Repo:
        return REPOSITORY

    async def sticky(self, *_: object, **_options: object) -> None: ...

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
    return StateOwners(records=records, clock=HandClock(), bucket="states")


async def test_second_of_two_that_deploy_at_once_waits_in_line(
    planned: Database, inspector: Inspector, kind: str
) -> None:
    given = cast("Any", Adapters())
    leases = EnvironmentLeases(
        records=planned, github=given, poster=given, owners=owners(planned), clock=HandClock()
    )

    await while_they_take_it(planned, inspector, kind, lambda: leases.deploy(trigger(), [STAGING]))

    async with planned.read() as reader:
        line = await reader.waiting(state_key=STAGING.state_key)
    assert [one.pull for one in line] == [trigger().pull.number]
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


async def test_projects_are_deployed_in_turn_though_a_worker_dies_between(
    records: Database, inspector: Inspector
) -> None:
    given = cast("Any", Adapters())
    stacks = [
        STAGING,
        replace(STAGING, project=ProjectName("app"), state_key=StateKey("app/terraform.tfstate")),
    ]

    for whose in (CutOff(records), records):
        leases = EnvironmentLeases(
            records=cast("Any", whose), github=given, poster=given, owners=owners(whose), clock=HandClock()
        )
        with suppress(DatabaseUnavailableError):
            await leases.deploy(trigger(), stacks)

    async with records.read() as reader:
        runs = await reader.runs()
    assert [run.stack.project for run in reversed(runs)] == ["default", "app"]
    assert inspector.started() == [f"run-{runs[-1].id}"]


async def test_second_of_two_simultaneous_applies_learns_the_holder(
    planned: Database, inspector: Inspector, kind: str
) -> None:
    run_requests = RunRequests(records=planned, clock=HandClock())

    held = await while_they_take_it(
        planned, inspector, kind, lambda: run_requests.apply(trigger(), [a_plan(pull=OURS)])
    )

    assert held is not None
    assert held.pull == THEIRS
    async with planned.read() as reader:
        assert await reader.runs(kinds=(RunKind.APPLY,)) == []


async def nothing(_: RunRequests) -> None: ...


async def apply_both(run_requests: RunRequests) -> None:
    for_both = [a_plan(pull=OURS), a_plan("p3456789", pull=OURS, stack=PROD)]
    assert await run_requests.apply(trigger(), for_both) is None


async def deploy_both(run_requests: RunRequests) -> None:
    given = cast("Any", Adapters())
    leases = EnvironmentLeases(
        records=run_requests.records, github=given, poster=given, owners=owners(planned), clock=HandClock()
    )
    await leases.deploy(trigger(), [STAGING, PROD])


async def hold_both(run_requests: RunRequests) -> None:
    async with run_requests.records.write() as writer:
        for stack in (STAGING, PROD):
            await writer.take_lock(a_lock(OURS, stack=stack, since=NOW - timedelta(days=stack == STAGING)))


async def release_both(run_requests: RunRequests) -> None:
    freed = await run_requests.release_locks(REPO, OURS, by=account("dana"), why="merged", cause="guid-1")
    assert set(freed) == {STAGING, PROD}


@pytest.mark.parametrize(
    ("before", "want"),
    [(nothing, apply_both), (nothing, deploy_both), (hold_both, release_both)],
    ids=["applies", "deploys", "gives them back"],
)
async def test_locks_of_several_stacks_are_taken_in_one_order(
    planned: Database,
    inspector: Inspector,
    kind: str,
    before: Callable[[RunRequests], Coroutine[object, object, None]],
    want: Callable[[RunRequests], Coroutine[object, object, None]],
) -> None:
    run_requests = RunRequests(records=planned, clock=HandClock())
    await before(run_requests)

    async with asyncio.timeout(20), planned.write() as writer:
        await writer.lock(PROD)
        task = asyncio.create_task(want(run_requests))
        await until_it_waits(inspector, kind)
        await writer.lock(STAGING)

    await task


async def test_whoever_leaves_destroys_nothing_that_another_one_has_claimed_since(
    planned: Database, inspector: Inspector, kind: str
) -> None:
    given, policy = cast("Any", Adapters()), load_policy(WITH_TEST)
    leases = EnvironmentLeases(
        records=planned, github=given, poster=given, owners=owners(planned), clock=HandClock()
    )
    (stack,) = policy.stacks(REPO, pull=OURS)
    async with planned.write() as writer:
        await writer.take_lock(a_lock(OURS, stack=stack))

    async with asyncio.timeout(20), planned.write() as writer:
        await writer.lock(stack)
        await writer.release_lock(stack)
        await writer.take_lock(a_lock(THEIRS, stack=stack, run_id=RunId("run-2")))
        task = asyncio.create_task(leases.leave(REPOSITORY, OURS, policy, by=account("dana"), cause="guid-1"))
        await until_it_waits(inspector, kind)

    assert await task == ()
    async with planned.read() as reader:
        assert await reader.runs(kinds=(RunKind.DESTROY,)) == []


async def cancel(records: Database, run: Run) -> None:
    async with records.write() as writer:
        await cancel_run(writer, run, account("dana"), NOW)


async def fail(records: Database, run: Run) -> None:
    failed = Ending(status=RunStatus.FAILED, failure=None, summary="refused", detail={})
    async with records.write() as writer:
        await record_end(writer, run, failed, NOW, plan=None)


@pytest.mark.parametrize("end", [cancel, fail])
async def test_end_of_an_apply_asks_for_waiters_stacks_before_changes(
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
        await writer.request_cancel(run.id, account("erin"))

    await task


async def test_posted_comment_does_not_block_the_invalidation_of_its_plan(
    planned: Database, inspector: Inspector, kind: str
) -> None:
    given, plan = cast("Any", Adapters()), a_plan(pull=OURS)
    async with planned.read() as reader:
        shown = await read_rows(reader, REPO, OURS)
    others = {each.name: given for each in fields(PullPlanComments)}
    comments = PullPlanComments(**others | {"records": planned})

    async with asyncio.timeout(20), planned.write() as writer:
        await writer.lock(STAGING)
        task = asyncio.create_task(comments._posted(REPOSITORY, OURS, shown, NOW))
        await until_it_waits(inspector, kind)
        await writer.set_plan_status(plan.id, PlanStatus.STALE, "the state was restored")

    assert not await task


async def test_everybody_hears_of_more_than_hundred_stacks_freed_by_merge(planned: Database) -> None:
    run_requests = RunRequests(records=planned, clock=HandClock())
    stacks = [replace(STAGING, state_key=StateKey(f"{number}/terraform.tfstate")) for number in range(101)]
    async with planned.write() as writer:
        for stack in stacks:
            await writer.take_lock(a_lock(OURS, stack=stack))

    freed = await run_requests.release_locks(REPO, OURS, by=account("dana"), why="merged", cause="guid-1")

    assert set(freed) == set(stacks)


def waiting_of(records: Database, outside: Adapters) -> Waiting:
    given = cast("Any", outside)
    return Waiting(
        records=records,
        github=given,
        run_requests=given,
        policies=given,
        poster=given,
        plan_comments=given,
        clock=HandClock(),
        start_sync=outside.start_sync,
    )


async def test_repeated_refusal_keeps_the_wait_from_nobody(
    planned: Database, inspector: Inspector, kind: str
) -> None:
    wait = Wait(stack=STAGING, pull=OURS, reason=WaitReason.REFUSED, since=NOW)
    async with planned.write() as writer:
        await writer.add_wait(wait)

    async with asyncio.timeout(20), planned.write() as writer:
        await writer.lock(STAGING)
        task = asyncio.create_task(waiting_of(planned, Adapters()).refused(STAGING, OURS))
        await until_it_waits(inspector, kind)
        for ended in await writer.waits(STAGING.state_key):
            await writer.end_wait(ended.number)

    await task


async def test_waiter_refused_for_a_freed_stack_does_not_wait_forever(
    planned: Database,
) -> None:
    outside = Adapters()
    waiting = waiting_of(planned, outside)

    await waiting.refused(STAGING, OURS)

    assert outside.freed_stacks == [STAGING]


async def test_nobody_gives_up_what_another_pull_request_has_taken_since(planned: Database) -> None:
    read_before = a_lock(OURS)
    async with planned.write() as writer:
        await writer.take_lock(a_lock(THEIRS, run_id=RunId("run-2")))

    async with planned.write() as writer:
        await locking.release(writer, read_before, by=account("dana"), why="/unlock", at=NOW, cause="guid-1")

    async with planned.read() as reader:
        lock, events = await reader.lock(STAGING), await reader.lock_events(repo=STAGING.repo)
    assert lock is not None
    assert (lock.pull, events) == (THEIRS, [])

"""Holds, waits, the audit of locks and overrides, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.adapters.database import Database
from bot.domain.core.model import EnvName, PlanId, PlanStatus, ProjectName, RunId
from bot.domain.environments.waits import LockAct, LockEvent, Wait, WaitReason
from bot.domain.gates.freezes import Hold, HoldCause
from bot.domain.gates.overrides import Override
from tests.fakes.accounts import account
from tests.fakes.records.rows import NOW, PROD, REPO, STAGING, a_plan, a_run

A_HOLD = Hold(
    repo=REPO,
    env=EnvName("prod"),
    cause=HoldCause.COMMAND,
    reason="the database is being moved",
    by=account("owner"),
    since=NOW,
    pull=7,
)


async def test_holds_are_found_by_their_reach_until_lifted(records: Database) -> None:
    async with records.write() as writer:
        prod = await writer.add_hold(A_HOLD)
        stop = await writer.add_hold(replace(A_HOLD, repo=None, env=None, cause=HoldCause.STOP, pull=None))
        await writer.add_hold(replace(A_HOLD, repo="acme/other"))

    async with records.write() as writer:
        assert prod == replace(A_HOLD, number=prod.number)
        assert await writer.holds(repo=REPO, env=EnvName("prod")) == [prod, stop]
        assert await writer.holds(repo=REPO, env=EnvName("staging")) == [stop]
        assert len(await writer.holds()) == 3
        await writer.lift_hold(stop.number, by=account("operator"), at=NOW, why="over")

    async with records.read() as reader:
        assert await reader.holds(repo=REPO) == [prod]


async def test_who_took_and_gave_a_lock_is_told_newest_first(records: Database) -> None:
    event = LockEvent(stack=STAGING, pull=7, act=LockAct.LOCKED, actor=account("dev"), why="an apply", at=NOW)
    freed = replace(event, act=LockAct.UNLOCKED, why="merged", cause="a-delivery")

    async with records.write() as writer:
        await writer.add_lock_event(event)
        await writer.add_lock_event(freed)
        await writer.add_lock_event(replace(event, pull=8))

    async with records.read() as reader:
        assert await reader.lock_events(repo=REPO, pull=7) == [freed, event]


async def test_who_was_refused_goes_before_whose_plan_is_stale(records: Database) -> None:
    def wait(pull: int, reason: WaitReason, minutes: int) -> Wait:
        return Wait(stack=STAGING, pull=pull, reason=reason, since=NOW + timedelta(minutes=minutes))

    async with records.write() as writer:
        await writer.add_wait(wait(1, WaitReason.STALE, 0))
        await writer.add_wait(wait(2, WaitReason.STALE, 1))
        await writer.add_wait(wait(3, WaitReason.REFUSED, 2))
        await writer.add_wait(wait(2, WaitReason.REFUSED, 3))
        await writer.add_wait(wait(3, WaitReason.STALE, 4))

    async with records.write() as writer:
        found = await writer.waits(STAGING.state_key)
        assert [(each.pull, each.reason) for each in found] == [
            (2, WaitReason.REFUSED),
            (3, WaitReason.REFUSED),
            (1, WaitReason.STALE),
        ]
        await writer.end_wait(found[0].number)
        await writer.end_waits(repo=REPO, pull=1)

    async with records.read() as reader:
        assert [each.pull for each in await reader.waits(STAGING.state_key)] == [3]
        assert await reader.waits(PROD.state_key) == []


async def test_who_waits_for_pending_revert_is_known_by_pull_request(records: Database) -> None:
    def wait(pull: int, reason: WaitReason) -> Wait:
        return Wait(stack=STAGING, pull=pull, reason=reason, since=NOW)

    async with records.write() as writer:
        await writer.add_wait(wait(1, WaitReason.REFUSED))
        await writer.add_wait(wait(1, WaitReason.REVERT))
        await writer.add_wait(wait(1, WaitReason.REFUSED))
        await writer.add_wait(wait(2, WaitReason.STALE))

    async with records.read() as reader:
        assert [each.stack for each in await reader.paused(repo=REPO, pull=1)] == [STAGING]
        assert await reader.paused(repo=REPO, pull=2) == []


async def test_open_plans_of_a_stack_are_outdated_at_once(records: Database) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run(), NOW)
        for plan in (
            a_plan("p1111111", pull=1),
            a_plan("p2222222", pull=2, status=PlanStatus.NO_CHANGES),
            a_plan("p3333333", pull=3),
            a_plan("p4444444", pull=4, status=PlanStatus.APPLIED),
            a_plan("p5555555", pull=1, stack=PROD),
            a_plan("p6666666", pull=1, reverts_to=PlanId("p9999999")),
        ):
            await writer.add_plan(plan)

        found = await writer.outdate([STAGING], pulls=[1, 2, 4], why="the base moved", but=PlanId("p2222222"))

    async with records.read() as reader:
        assert [(each.plan, each.stack, each.pull) for each in found] == [("p1111111", STAGING, 1)]
        stale = await reader.plans(repo=REPO, statuses=(PlanStatus.STALE,))
        assert [(plan.id, plan.status_reason) for plan in stale] == [("p1111111", "the base moved")]

    # What changes the state itself reaches every plan, and that of a revert as well.
    async with records.write() as writer:
        found = await writer.outdate([STAGING], pulls=None, why="an apply", but=PlanId("p2222222"))
    assert {each.plan for each in found} == {"p3333333", "p6666666"}


async def test_plans_with_old_comments_are_remembered_until_shown(records: Database) -> None:
    async with records.write() as writer:
        await writer.mark_unshown(REPO, 7, PlanId("p1"), NOW)
        await writer.mark_unshown(REPO, 7, PlanId("p1"), NOW + timedelta(minutes=1))
        await writer.mark_unshown(REPO, 8, PlanId("p2"), NOW + timedelta(minutes=1))
        await writer.mark_unshown(REPO, 8, PlanId("p3"), NOW + timedelta(minutes=2))

    async with records.write() as writer:
        assert await writer.unshown_plans(repo=REPO, limit=2) == ["p1", "p2"]
        await writer.mark_shown(PlanId("p2"))
        assert await writer.unshown_plans(repo=REPO, pull=8) == ["p3"]


async def test_an_override_is_confirmed_and_used_once(records: Database) -> None:
    trigger = Override(
        repo=REPO,
        pull=7,
        project=ProjectName("default"),
        env=EnvName("prod"),
        gate="promoted",
        reason="the site is down",
        asked_by=account("owner"),
        asked_at=NOW,
        expires_at=NOW + timedelta(hours=1),
    )

    async with records.write() as writer:
        override = await writer.add_override(trigger)
        await writer.confirm_override(override.number, by=account("owner2"), at=NOW)
        await writer.confirm_override(override.number, by=account("late"), at=NOW)
        await writer.use_override(override.number, RunId("r1"))
        await writer.use_override(override.number, RunId("r2"))

    async with records.read() as reader:
        used = replace(override, confirmed_by=account("owner2"), confirmed_at=NOW, used_run=RunId("r1"))
        assert await reader.overrides(repo=REPO, pull=7) == [used]
        assert await reader.overrides(repo=REPO, pull=8) == []


async def test_the_newest_time_until_which_approvals_are_void_counts(records: Database) -> None:
    async with records.write() as writer:
        await writer.void_approvals(REPO, 7, NOW)
        await writer.void_approvals(REPO, 7, NOW + timedelta(hours=1))

    async with records.read() as reader:
        assert await reader.approvals_void_before(REPO, 7) == NOW + timedelta(hours=1)
        assert await reader.approvals_void_before(REPO, 8) is None


async def test_lifted_hold_is_found_by_the_words_that_lifted_it(records: Database) -> None:
    async with records.write() as writer:
        hold = await writer.add_hold(A_HOLD)
        await writer.lift_hold(hold.number, by=account("owner"), at=NOW, why="delivery one")

    async with records.read() as reader:
        assert await reader.lifted_holds(repo=REPO, env=EnvName("prod"), why="delivery one") == [hold]
        assert await reader.lifted_holds(repo=REPO, env=EnvName("prod"), why="delivery two") == []
        assert await reader.lifted_holds(repo=REPO, env=EnvName("staging"), why="delivery one") == []


async def test_stop_leaves_every_applicable_plan_to_be_shown(records: Database) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run(), NOW)
        await writer.add_plan(a_plan("p2345678"))
        await writer.add_plan(a_plan("p3456789"))
        await writer.set_plan_status(PlanId("p3456789"), PlanStatus.STALE, "older")
        for _ in range(2):
            await writer.mark_all_unshown(NOW)

    async with records.read() as reader:
        assert await reader.unshown_repositories() == [REPO]
        # What has no comment yet is left to its report.
        assert await reader.unshown_plans(repo=REPO) == []
    async with records.write() as writer:
        await writer.mark_posted(PlanId("p2345678"), NOW)
    async with records.read() as reader:
        assert await reader.unshown_plans(repo=REPO) == [PlanId("p2345678")]

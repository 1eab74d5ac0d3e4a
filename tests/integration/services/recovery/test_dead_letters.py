"""What is given up leaves an outcome and something to tell, in one transaction, on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from bot.adapters.database import Database
from bot.domain.core.accounts import SELF
from bot.domain.core.model import DeliveryId, FailureClass, PlanId, PlanStatus, RunId, RunKind, RunStatus
from bot.ports import Delivery
from bot.services.pages.run_actions import cancel_one
from bot.services.recovery.dead_letters import DeadLetters, shown
from bot.services.recovery.orphaned_work import OrphanedWork
from bot.services.runs.intake import take_in
from bot.services.runs.new_runs import job_of
from tests.fakes.accounts import account
from tests.fakes.clock import HandClock
from tests.fakes.records.rows import NOW, a_delivery, a_run
from tests.integration.conftest import Inspector
from tests.integration.services.scene import add_apply


@pytest.fixture
def dead_letters(records: Database) -> DeadLetters:
    return DeadLetters(records=records, clock=HandClock())


async def test_apply_lost_after_its_intent_spends_its_plan_and_replans(
    records: Database, dead_letters: DeadLetters, inspector: Inspector
) -> None:
    await add_apply(records, begun=True)

    for _ in range(2):
        await dead_letters.record("execute_change", "run-2", "StoreError: the bucket does not answer")

    async with records.read() as reader:
        run = await reader.run(RunId("run-2"))
        plan, other = await reader.plan(PlanId("p2345678")), await reader.plan(PlanId("p3456789"))
        newest = (await reader.runs())[0]
    assert run is not None
    assert plan is not None
    assert other is not None
    assert (run.status, run.detail["state"]) == (RunStatus.INTERRUPTED, "unknown")
    assert run.failure_class is FailureClass.EXECUTOR
    assert run.detail["message"] == "the bucket does not answer"
    assert (plan.status, other.status) == (PlanStatus.FAILED, PlanStatus.STALE)
    assert (newest.kind, newest.status) == (RunKind.PLAN, RunStatus.QUEUED)
    assert inspector.started() == [f"run-{newest.id}", "report_change-run-2"]


async def test_apply_lost_before_its_intent_leaves_its_plan_applicable(
    records: Database, dead_letters: DeadLetters, inspector: Inspector
) -> None:
    await add_apply(records, begun=False)

    await dead_letters.record("execute_change", "run-2", "GitHubUnavailableError: reading acme/infra#7: 502")

    async with records.read() as reader:
        run, plan = await reader.run(RunId("run-2")), await reader.plan(PlanId("p2345678"))
    assert run is not None
    assert plan is not None
    assert (run.status, plan.status) == (RunStatus.FAILED, PlanStatus.PLANNED)
    assert run.failure_class is FailureClass.GITHUB
    assert inspector.started() == ["report_change-run-2"]


async def test_verification_of_an_abandoned_apply_ends_with_its_turn(
    records: Database, dead_letters: DeadLetters, inspector: Inspector
) -> None:
    await add_apply(records, begun=True)
    async with records.write() as writer:
        await writer.move_run(RunId("run-2"), RunStatus.SUCCEEDED, at=NOW, actor=SELF, why="Applied.")
        of_it = {"kind": RunKind.VERIFY, "plan_id": PlanId("p2345678")}
        await writer.add_run(a_run("run-inside", **of_it), NOW)
        await writer.move_run(RunId("run-inside"), RunStatus.PREPARING, at=NOW, actor=SELF, why="")
        asked_for = await writer.add_run(a_run("run-asked", **of_it), NOW)
        assert asked_for is not None
        await writer.enqueue(job_of(asked_for))

    await dead_letters.record("execute_change", "run-2", "GitHubUnavailableError: reading acme/infra: 502")

    async with records.read() as reader:
        found = [await reader.run(RunId(f"run-{name}")) for name in ("2", "inside", "asked")]
    statuses = [run.status for run in found if run is not None]
    assert statuses == [RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.QUEUED]
    assert inspector.started()[1:] == ["report_change-run-inside", "report_change-run-2"]


async def test_delivery_given_up_is_told_and_one_handled_is_not(
    records: Database, dead_letters: DeadLetters, inspector: Inspector
) -> None:
    async with records.write() as writer:
        await writer.add_delivery(a_delivery("lost"))
        await writer.add_delivery(a_delivery("done", outcome="handled"))
        await writer.add_delivery(a_delivery("nowhere", pull=None))

    for name in ("lost", "done", "nowhere"):
        await dead_letters.record("handle_delivery", name, "KeyError: 'secret-value'")

    async with records.read() as reader:
        lost, done = await reader.delivery(DeliveryId("lost")), await reader.delivery(DeliveryId("done"))
    assert lost is not None
    assert done is not None
    assert (lost.outcome, lost.note, done.outcome) == ("given_up", "an unexpected KeyError", "handled")
    assert inspector.started() == ["report_loss-lost"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("StoreError: putting plans/p1: 503", "putting plans/p1: 503"),
        ("ValueError: hunter2", "an unexpected ValueError"),
        ("max recovery attempts exceeded", "an unexpected max recovery attempts exceeded"),
    ],
)
def test_only_words_of_our_own_are_shown_of_an_error(error: str, words: str) -> None:
    assert shown(error) == words


async def test_only_old_idle_work_without_a_workflow_is_lost(
    records: Database, dead_letters: DeadLetters, inspector: Inspector
) -> None:
    old = NOW - timedelta(hours=1)
    deliveries: list[Delivery] = [
        a_delivery("gone", received_at=old),
        a_delivery("at-work", received_at=old),
        a_delivery("young"),
    ]
    async with records.write() as writer:
        for delivery in deliveries:
            await take_in(writer, delivery)
        gone = await writer.add_run(a_run("run-gone"), old)
        assert gone is not None
        await writer.enqueue(job_of(gone))

    async def abandoned(ids: Sequence[str]) -> frozenset[str]:
        return frozenset(ids) - {"delivery-at-work"}

    orphaned_work = OrphanedWork(
        records=records, dead_letters=dead_letters, abandoned=abandoned, clock=HandClock()
    )
    found = [await orphaned_work.record(), await orphaned_work.record()]

    async with records.read() as reader:
        outcomes = {
            each.id: kept.outcome
            for each in deliveries
            if (kept := await reader.delivery(each.id)) is not None
        }
        run = await reader.run(RunId("run-gone"))
    assert found == [2, 0]
    assert outcomes == {"gone": "given_up", "at-work": None, "young": None}
    assert run is not None
    assert run.status is RunStatus.FAILED
    assert inspector.started()[4:] == ["report_loss-gone", "report_plan-run-gone"]


async def test_what_waits_for_its_turn_without_workflow_is_not_lost(
    records: Database, dead_letters: DeadLetters, inspector: Inspector
) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run("run-waits", kind=RunKind.SYNC), NOW - timedelta(days=3))

    async def all_of_them(ids: Sequence[str]) -> frozenset[str]:
        return frozenset(ids)

    orphaned_work = OrphanedWork(
        records=records, dead_letters=dead_letters, abandoned=all_of_them, clock=HandClock()
    )
    found = await orphaned_work.record()

    async with records.read() as reader:
        run = await reader.run(RunId("run-waits"))
    assert run is not None
    assert (found, run.status, inspector.started()) == (0, RunStatus.QUEUED, [])


@pytest.mark.parametrize(
    "kind_of_run",
    [
        pytest.param(RunKind.SYNC, id="for a stack that is held"),
        pytest.param(RunKind.APPLY, id="for the project before it to be applied"),
        pytest.param(RunKind.DESTROY, id="for the project before it to be destroyed"),
        pytest.param(RunKind.PLAN, id="for the project before it to be deployed"),
    ],
)
async def test_run_canceled_while_waiting_is_reported_and_lets_others_on(
    records: Database, inspector: Inspector, kind_of_run: RunKind
) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run("run-waits", kind=kind_of_run), NOW)

    refused = await cancel_one(
        records, HandClock(), RunId("run-waits"), repo="acme/infra", pull=7, by=account("alice")
    )

    async with records.read() as reader:
        run = await reader.run(RunId("run-waits"))
    assert run is not None
    assert (refused, run.status) == (None, RunStatus.CANCELED)
    assert inspector.started() == ["run-run-waits"]


async def test_what_the_reconciler_asks_is_answered(records: Database) -> None:
    async with records.write() as writer:
        await writer.add_delivery(a_delivery("one", event="pull_request", action="opened"))
        await writer.add_delivery(a_delivery("two", event="pull_request", action="closed", pull=8))
        await writer.add_delivery(a_delivery("three", event="pull_request", action="synchronize", pull=8))
        await writer.add_delivery(a_delivery("four", repo="acme/other", pull=None))
        await writer.add_run(a_run(), NOW)
        await writer.add_run(a_run("run-2", kind=RunKind.APPLY, pull=9), NOW)
        await writer.add_run(a_run("run-3", head_number=2), NOW)

    async with records.read() as reader:
        unknown = await reader.unknown_deliveries([DeliveryId("one"), DeliveryId("five")])
        repos = await reader.delivered_among(["Acme/Infra", "acme/other", "acme/silent"], limit=5)
        heads = await reader.planned_heads("acme/infra")
        events = [await reader.newest_pull_event("acme/infra", pull) for pull in (7, 8, 9)]

    assert unknown == {"five"}
    assert list(repos) == ["acme/other", "acme/infra"]
    assert heads == {(7, "a" * 40, None), (7, "a" * 40, 2)}
    assert events == [("one", "opened"), ("two", "closed"), None]

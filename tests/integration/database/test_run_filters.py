"""The filters of the list of runs, against the same filters over the records in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest

from bot.adapters.database import Database, migrate
from bot.adapters.database.queries.rows import plan_values, run_values
from bot.adapters.database.tables import core
from bot.domain.core.accounts import SELF
from bot.domain.core.model import FailureClass, PlanId, ProjectName, Run, RunId, RunKind, RunStatus, Sha
from bot.ports import RunFilter
from bot.services.run_records.filters import FilterError
from bot.services.run_records.models import RunRecord
from bot.services.run_records.reading import RecordMissingError, RunRecords
from tests.fakes.accounts import account
from tests.fakes.records.rows import HEAD, NOW, PROD, STAGING, a_plan, a_run
from tests.integration.database.old_rows import old_rows

OTHER = Sha("9" * 40)
NOON = NOW + timedelta(minutes=10)
_FILTERS: Mapping[str, tuple[Any, Callable[[Run], object]]] = {
    "repos": (("acme/infra",), lambda run: run.stack.repo == "acme/infra"),
    "project": ("web", lambda run: run.stack.project == "web"),
    "env": ("prod", lambda run: run.stack.env == "prod"),
    "pull": (7, lambda run: run.pull == 7),
    "kind": (RunKind.APPLY, lambda run: run.kind is RunKind.APPLY),
    "status": (RunStatus.FAILED, lambda run: run.status is RunStatus.FAILED),
    "failure_class": (FailureClass.STATE, lambda run: run.failure_class is FailureClass.STATE),
    "actor": ("DANA", lambda run: run.actor.login == "dana"),
    "since": (NOON, lambda run: run.created_at >= NOON),
    "until": (NOON, lambda run: run.created_at < NOON),
    "correlation_id": ("guid-2", lambda run: run.correlation_id == "guid-2"),
    "release_candidate_id": (OTHER, lambda run: run.release_candidate_id == OTHER),
    "has_risk_summary": (True, lambda run: run.has_risk_summary),
}


async def _add(records: Database, number: int) -> None:
    """Record the run of a number, in which each property follows another bit."""
    bit = [number >> place & 1 for place in range(5)]
    run_id, plan_id = RunId(f"run-{number:02}"), PlanId(f"p{number:07}")
    stack = replace(
        PROD if bit[0] else STAGING,
        repo="acme/infra" if bit[1] else "acme/web",
        project=ProjectName("web" if bit[2] else "default"),
    )
    new = replace(
        a_run(run_id),
        kind=RunKind.APPLY if bit[3] else RunKind.PLAN,
        stack=stack,
        pull=7 if bit[4] else None,
        head_sha=OTHER if bit[0] ^ bit[3] else HEAD,
        actor=account("dana" if bit[1] ^ bit[4] else "olga"),
        correlation_id=f"guid-{1 + (bit[2] ^ bit[3])}",
    )
    async with records.write() as writer:
        assert await writer.add_run(new, NOW + timedelta(minutes=number)) is not None
        await writer.move_run(run_id, RunStatus.PREPARING, at=NOW, actor=SELF, why="started")
        if number % 3 == 0:
            await writer.add_plan(a_plan(plan_id, run_id=run_id, stack=stack))
        await writer.move_run(
            run_id,
            RunStatus.FAILED if number % 2 else RunStatus.SUCCEEDED,
            at=NOW,
            actor=SELF,
            why="ended",
            failure_class=(FailureClass.STATE if number % 4 == 1 else FailureClass.TIMEOUT)
            if number % 2
            else None,
            plan_id=plan_id if number % 3 == 0 else None,
        )


async def _find(records: Database, **wanted: Any) -> list[Run]:
    async with records.read() as reader:
        return list(await reader.find_runs(RunFilter(**{"repos": None} | wanted), limit=200))


@pytest.fixture
async def filled(records: Database) -> Database:
    for number in range(32):
        await _add(records, number)
    return records


async def test_filters_alone_and_in_pairs_find_exactly_their_runs(filled: Database) -> None:
    everything = await _find(filled)
    assert [run.id for run in everything] == [f"run-{number:02}" for number in reversed(range(32))]

    for names in (*((name,) for name in _FILTERS), *combinations(_FILTERS, 2)):
        found = await _find(filled, **{name: _FILTERS[name][0] for name in names})
        wanted = [run for run in everything if all(_FILTERS[name][1](run) for name in names)]
        assert found == wanted, names
        assert len(names) == 2 or 0 < len(found) < 32, names


async def test_runs_with_and_without_risk_summary_are_all_runs(filled: Database) -> None:
    with_risk = await _find(filled, has_risk_summary=True)
    without = await _find(filled, has_risk_summary=False)

    assert {run.id for run in with_risk} == {f"run-{number:02}" for number in range(0, 32, 3)}
    assert len(with_risk) + len(without) == 32


async def test_apply_has_the_risk_summary_of_its_plan(filled: Database) -> None:
    applies = [replace(a_run(f"apply-{plan}"), plan_id=PlanId(plan)) for plan in ("p0000003", "punknown")]
    async with filled.write() as writer:
        added = [await writer.add_run(apply, NOW) for apply in applies]

    assert [run is not None and run.has_risk_summary for run in added] == [True, False]


async def test_pages_join_to_the_list_while_runs_are_added(filled: Database) -> None:
    records, seen, before = RunRecords(records=filled), [], None
    for number in range(32, 40):
        given = {"limit": "5"} if before is None else {"limit": "5", "before": before}
        page = await records.page(given, None)
        seen += [run.id for run in page.runs]
        await _add(filled, number)
        before = page.next
        if before is None:
            break

    assert seen == [f"run-{number:02}" for number in reversed(range(32))]


async def test_page_cannot_begin_at_a_run_of_another_repository(filled: Database) -> None:
    records = RunRecords(records=filled)

    with pytest.raises(FilterError, match="before: there is no run run-01"):
        await records.page({"before": "run-01"}, ("acme/infra",))
    with pytest.raises(FilterError, match="before: there is no run run-99"):
        await records.page({"before": "run-99"}, None)
    assert (await records.page({"before": "run-03"}, ("acme/infra",))).runs[0].id == "run-02"


async def test_run_is_shown_with_risk_timeline_and_artifacts(filled: Database) -> None:
    records = RunRecords(records=filled)

    shown, timeline = await records.detail("run-09"), await records.timeline("run-09")

    assert (shown.plan_id, shown.has_risk_summary) == ("p0000009", True)
    assert shown.risk is not None
    assert (shown.risk.level, shown.risk.stateful) == ("high", ("d",))
    assert [entry.status for entry in timeline.entries] == ["queued", "preparing", "failed"]
    assert (await records.detail("run-01")).risk is None
    with pytest.raises(RecordMissingError, match="there is no run run-99"):
        await records.timeline("run-99")


async def test_record_of_a_run_survives_json(filled: Database) -> None:
    for run in await _find(filled):
        record = RunRecord.of(run)
        assert RunRecord.model_validate(record.to_json()) == record


async def test_versions_of_a_policy_are_listed_and_shown(records: Database) -> None:
    # Given three versions, of which the first one was read again after the others,
    digests = ["1" * 64, "2" * 64, "3" * 64]
    async with records.write() as writer:
        for number in (0, 1, 2, 0):
            await writer.record_policy(
                "acme/infra", digests[number], f"version: {number}\n", HEAD, NOW + timedelta(hours=number)
            )
        await writer.record_policy("acme/web", "4" * 64, "version: 4\n", HEAD, NOW)
    policies = RunRecords(records=records)

    # when they are listed in pages,
    first = await policies.policies("acme/infra", before=None, limit="2")
    last = await policies.policies("acme/infra", before=first.next, limit="2")

    # then each is there once, and the one that was read last is in force.
    found = [*first.versions, *last.versions]
    assert [(each.digest, each.in_force) for each in found] == [
        (digests[2], False),
        (digests[1], False),
        (digests[0], True),
    ]
    assert last.next is None
    in_force = await policies.policy("acme/infra", None)
    assert (in_force.text, in_force.in_force) == ("version: 0\n", True)
    assert (await policies.policy("acme/infra", digests[2])).text == "version: 2\n"
    with pytest.raises(RecordMissingError, match="acme/infra has no version 4444"):
        await policies.policy("acme/infra", "4" * 64)
    with pytest.raises(RecordMissingError, match="acme/nothing has no policy yet"):
        await policies.policy("acme/nothing", None)
    with pytest.raises(FilterError, match="has no version 4444"):
        await policies.policies("acme/infra", before="4" * 64, limit=None)


async def test_migration_finds_the_risk_summaries_of_older_runs(empty_url: str) -> None:
    # Given a run with a recorded plan, one whose plan is not recorded, and one without a plan,
    with old_rows(empty_url, "0024") as old:
        for name, plan_id in (("with", "p2345678"), ("lost", "p9999999"), ("none", None)):
            values = run_values(a_run(name, plan_id=plan_id))
            old.add(core.runs, values | {"status": "succeeded", "created_at": NOW})
        old.add(core.plans, plan_values(a_plan("p2345678", run_id=RunId("with"))))

    # when the database is migrated,
    await asyncio.to_thread(migrate, empty_url)

    # then the first one has a risk summary.
    database = Database(empty_url)
    found = await _find(database)
    await database.close()
    assert {run.id: run.has_risk_summary for run in found} == {"with": True, "lost": False, "none": False}

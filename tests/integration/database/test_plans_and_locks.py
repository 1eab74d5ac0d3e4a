from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.database import Database
from bot.adapters.database.connection.errors import DatabaseError
from bot.adapters.database.queries.rows import summary_from_json, summary_to_json
from bot.domain.core.accounts import SELF
from bot.domain.core.model import (
    OperationKind,
    PlanId,
    PlanStatus,
    RunId,
    RunKind,
    RunStatus,
    Sha,
    StateIdentity,
    StateKey,
    StateOperation,
)
from bot.domain.plans.plan import PlanSummary
from bot.ports import PlanOutline
from bot.ports.records.errored_states import KeptState
from tests.fakes.accounts import account
from tests.fakes.records.rows import (
    HEAD,
    NOW,
    PROD,
    REPO,
    STAGING,
    a_lock,
    a_plan,
    a_run,
    a_state_version,
    an_artifact,
)
from tests.integration.conftest import Inspector

LATER = NOW + timedelta(minutes=1)
IMPORT = StateOperation(kind=OperationKind.IMPORT, address='aws_vpc.a["ü"]', object_id="vpc-1")


@pytest.fixture
async def with_run(records: Database) -> Database:
    """Records that know the run to which everything here belongs."""
    async with records.write() as writer:
        await writer.add_run(a_run(), NOW)
    return records


@given(summary=st.from_type(PlanSummary))
def test_a_plan_summary_survives_json(summary: PlanSummary) -> None:
    text = json.dumps(summary_to_json(summary))

    assert summary_from_json(json.loads(text)) == summary


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(a_plan(operation=IMPORT), id="everything filled in"),
        pytest.param(
            a_plan(
                stack=PROD,
                pull=None,
                var_file_digest=None,
                arguments=(),
                state_serial=None,
                state_lineage=None,
                log_key=None,
                has_changes=False,
                status=PlanStatus.NO_CHANGES,
                status_reason="nothing to do",
                posted_at=LATER,
            ),
            id="everything optional left out",
        ),
    ],
)
async def test_a_plan_comes_back_as_it_was_recorded(with_run: Database, plan: Any) -> None:
    async with with_run.write() as writer:
        await writer.add_plan(plan)

    async with with_run.read() as reader:
        assert await reader.plan(plan.id) == plan
        assert await reader.plan(PlanId("p7777777")) is None


async def test_run_and_the_outline_of_a_plan_know_their_operation(records: Database) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run(), NOW)
        await writer.add_run(a_run("run-2", operation=IMPORT), NOW)
        await writer.add_plan(a_plan())
        await writer.add_plan(a_plan("p3456789", operation=IMPORT))

    async with records.read() as reader:
        runs = await reader.runs()
        plans = await reader.plan_outlines(repo=REPO)

    assert [run.operation for run in runs] == [IMPORT, None]
    assert [(plan.operation, plan.lane) for plan in plans] == [(IMPORT, "state"), (None, "code")]


async def test_a_repeated_step_may_record_its_plan_again(with_run: Database) -> None:
    async with with_run.write() as writer:
        await writer.add_plan(a_plan())

    async with with_run.write() as writer:
        await writer.add_plan(a_plan(status=PlanStatus.STALE))

    async with with_run.read() as reader:
        assert await reader.plan(PlanId("p2345678")) == a_plan()


async def test_a_plan_id_never_changes_its_meaning(with_run: Database) -> None:
    async with with_run.write() as writer:
        await writer.add_plan(a_plan())

    with pytest.raises(DatabaseError, match="already belongs to another plan"):
        async with with_run.write() as writer:
            await writer.add_plan(a_plan(plan_sha256="2" * 64))


async def test_a_plan_of_an_unknown_run_is_refused(records: Database) -> None:
    with pytest.raises(DatabaseError, match="contradicts another"):
        async with records.write() as writer:
            await writer.add_plan(a_plan())


async def test_the_status_of_a_plan_moves_with_its_reason(with_run: Database) -> None:
    async with with_run.write() as writer:
        await writer.add_plan(a_plan())
        await writer.set_plan_status(PlanId("p2345678"), PlanStatus.STALE, "the base moved")

    async with with_run.read() as reader:
        plan = await reader.plan(PlanId("p2345678"))
    assert plan == a_plan(status=PlanStatus.STALE, status_reason="the base moved")


async def test_plan_stays_posted_at_time_it_could_first_be_read(with_run: Database) -> None:
    async with with_run.write() as writer:
        await writer.add_plan(a_plan())
        await writer.mark_posted(PlanId("p2345678"), LATER)
        await writer.mark_posted(PlanId("p2345678"), LATER + timedelta(minutes=1))

    async with with_run.read() as reader:
        assert await reader.plan(PlanId("p2345678")) == a_plan(posted_at=LATER)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        pytest.param({}, ["pother", "pprod", "pstale", "pplan"], id="repository"),
        pytest.param({"limit": 1}, ["pother"], id="limit"),
        pytest.param({"pull": 8}, ["pother"], id="pull request"),
        pytest.param(
            {"stack": replace(STAGING, state_key=StateKey("moved"), directory="elsewhere")},
            ["pother", "pstale", "pplan"],
            id="stack, whatever its state key is by now",
        ),
        pytest.param({"statuses": [PlanStatus.STALE, PlanStatus.FAILED]}, ["pstale"], id="statuses"),
    ],
)
async def test_plans_are_found_newest_first(
    with_run: Database, filters: dict[str, Any], expected: list[str]
) -> None:
    async with with_run.write() as writer:
        await writer.add_plan(a_plan("pplan"))
        await writer.add_plan(a_plan("pstale", status=PlanStatus.STALE))
        await writer.add_plan(a_plan("pprod", stack=PROD))
        await writer.add_plan(a_plan("pother", pull=8))
        await writer.add_plan(a_plan("pelsewhere", stack=replace(STAGING, repo="acme/other")))

    async with with_run.read() as reader:
        found = await reader.plans(repo=REPO, **filters)
        outlines = await reader.plan_outlines(repo=REPO, **filters)

    assert [plan.id for plan in found] == expected
    assert outlines == [
        PlanOutline(
            id=plan.id,
            stack=plan.stack,
            pull=plan.pull,
            head_sha=plan.head_sha,
            status=plan.status,
            status_reason=plan.status_reason,
            posted_at=plan.posted_at,
            expires_at=plan.expires_at,
        )
        for plan in found
    ]


async def test_free_lock_is_taken_and_a_held_one_stays(with_run: Database) -> None:
    ours, theirs = a_lock(7), a_lock(8, holder=account("omar"), since=LATER)

    async with with_run.write() as writer:
        assert await writer.lock(STAGING) is None
        assert await writer.take_lock(ours) == ours

    async with with_run.write() as writer:
        assert await writer.take_lock(theirs) == ours
        assert await writer.lock(STAGING) == ours


async def test_a_released_lock_can_be_taken_by_another(with_run: Database) -> None:
    async with with_run.write() as writer:
        await writer.take_lock(a_lock(7))
        await writer.release_lock(STAGING)
        await writer.release_lock(STAGING)

        assert await writer.take_lock(a_lock(8)) == a_lock(8)


async def test_a_lock_holds_the_state_and_not_its_name(with_run: Database) -> None:
    own_state = replace(STAGING, state_key=StateKey("test/8/terraform.tfstate"))

    async with with_run.write() as writer:
        await writer.take_lock(a_lock(7))
        apart = await writer.take_lock(a_lock(8, stack=own_state))
        shared = await writer.take_lock(a_lock(8, stack=replace(PROD, state_key=STAGING.state_key)))

    assert (apart.pull, shared.pull) == (8, 7)


async def test_locks_are_listed_per_repository_and_pull_request(with_run: Database) -> None:
    async with with_run.write() as writer:
        await writer.take_lock(a_lock(8, stack=PROD, since=LATER))
        await writer.take_lock(a_lock(7))
        await writer.take_lock(a_lock(7, stack=replace(STAGING, repo="acme/other", state_key=StateKey("x"))))

    async with with_run.read() as reader:
        assert [lock.pull for lock in await reader.locks(repo=REPO)] == [7, 8]
        assert [lock.pull for lock in await reader.locks(repo=REPO, pull=8)] == [8]


async def test_the_newest_remote_id_counts(records: Database) -> None:
    async with records.write() as writer:
        await writer.set_remote_id(REPO, "sticky/7/prod", 2**40)
        await writer.set_remote_id(REPO, "sticky/7/prod", 2**41)

    async with records.read() as reader:
        assert await reader.remote_id(REPO, "sticky/7/prod") == 2**41
        assert await reader.remote_id("acme/other", "sticky/7/prod") is None


async def test_state_versions_come_newest_first(with_run: Database) -> None:
    empty, old, new = a_state_version(None), a_state_version(1), a_state_version(2, moment="after")
    other = a_state_version(9, state_key=PROD.state_key)

    async with with_run.write() as writer:
        for version in (empty, old, new, other):
            await writer.add_state_version(version)

    async with with_run.read() as reader:
        assert await reader.state_versions(STAGING.state_key) == [new, old, empty]
        assert await reader.state_versions(STAGING.state_key, limit=1) == [new]


async def test_state_that_did_not_exist_yet_is_a_version_too(with_run: Database) -> None:
    async with with_run.write() as writer:
        await writer.add_state_version(a_state_version(None))
        [version] = await writer.state_versions(STAGING.state_key)

    assert version.identity == StateIdentity(serial=None, lineage=None, sha256=None)


async def test_an_artifact_of_a_repeated_step_replaces_the_first(with_run: Database) -> None:
    async with with_run.write() as writer:
        await writer.add_artifact(an_artifact("kubeconfig"))
        await writer.add_artifact(an_artifact("certificate"))
        await writer.add_artifact(an_artifact("kubeconfig", object_key="artifacts/2"))

    async with with_run.read() as reader:
        assert await reader.artifacts(RunId("run-1")) == [
            an_artifact("certificate"),
            an_artifact("kubeconfig", object_key="artifacts/2"),
        ]


async def test_a_policy_is_recorded_once_per_repository_and_digest(
    records: Database, inspector: Inspector
) -> None:
    async with records.write() as writer:
        for repo, digest, commit in (
            (REPO, "one", HEAD),
            (REPO, "one", Sha("9" * 40)),
            (REPO, "two", HEAD),
            ("acme/other", "one", HEAD),
        ):
            await writer.record_policy(repo, digest, "version: 1\n", commit, NOW)

    rows = inspector.rows('SELECT repo, digest, "commit" FROM policy_versions ORDER BY sequence')
    assert rows == [(REPO, "one", HEAD), (REPO, "two", HEAD), ("acme/other", "one", HEAD)]


async def test_file_on_one_machine_is_noted_once_and_read_everywhere(records: Database) -> None:
    kept = KeptState(
        machine="worker-2",
        path="/data/errored/x/errored.tfstate",
        state_key=STAGING.state_key,
        serial=8,
        lineage="lineage",
        found_at=NOW,
    )

    async with records.write() as writer:
        await writer.keep_state(kept)
        await writer.keep_state(replace(kept, found_at=NOW + timedelta(hours=1)))

    async with records.read() as reader:
        assert await reader.kept_states(STAGING.state_key) == [kept]
        assert await reader.kept_states(PROD.state_key) == []


async def test_the_last_apply_is_one_that_succeeded(records: Database) -> None:
    # Given an apply that succeeded, and after it one that failed and one that runs,
    ended = ((RunId("good"), RunStatus.SUCCEEDED), (RunId("bad"), RunStatus.FAILED), (RunId("busy"), None))
    async with records.write() as writer:
        for number, (run_id, status) in enumerate(ended):
            await writer.add_run(a_run(run_id, dedupe_key=run_id, kind=RunKind.APPLY), NOW)
            for moment in ("before", "after") if status else ("before",):
                await writer.add_state_version(a_state_version(number, run_id=run_id, moment=moment))
            for step in (RunStatus.PREPARING, RunStatus.RUNNING, *((status,) if status else ())):
                await writer.move_run(run_id, step, at=NOW, actor=SELF, why="a test")

    async with records.read() as reader:
        # then what is shown is the one that succeeded.
        last = await reader.last_applied(STAGING.state_key)
        assert last is not None
        assert last.run_id == "good"
        assert await reader.last_applied(PROD.state_key) is None

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.adapters.database import Database
from bot.domain.model import Login, PlanId, RunId, RunKind
from bot.domain.outcome import Outcome
from bot.domain.release import CheckResult, Release, Verification
from tests.integration.database.builders import BASE, HEAD, NOW, PROD, STAGING, a_run

LATER = NOW + timedelta(minutes=1)


def a_release(plan_id: str = "p2345678", **changes: Any) -> Release:
    release = Release(
        plan_id=PlanId(plan_id),
        run_id=RunId("run-1"),
        stack=STAGING,
        pull=7,
        head_sha=HEAD,
        base_sha=BASE,
        merge_tree="e" * 40,
        inputs_digest="f" * 64,
        fetched_digest=f"1:{'a' * 64}",
        var_file_digest="0" * 40,
        change_digest="c" * 64,
        plan_sha256="1" * 64,
        policy_digest="d" * 64,
        engine="terraform 1.11.4",
        arguments=("-parallelism=2",),
        changed=True,
        source_digest="2" * 64,
        source_key=f"sources/{'2' * 64}",
        state_serial=42,
        state_lineage="11111111",
        outputs={"url": "3" * 64},
        actor=Login("dana"),
        approvers=(Login("owner"),),
        recorded_at=NOW,
    )
    return replace(release, **changes)


def a_verification(run_id: str = "run-1", **changes: Any) -> Verification:
    verification = Verification(
        run_id=RunId(run_id),
        release=PlanId("p2345678"),
        stack=STAGING,
        outcome=Outcome.PASS,
        checks=(
            CheckResult(
                name="front page",
                type="http",
                outcome=Outcome.PASS,
                sentence="200 in 12 ms.",
                attempts=2,
                seconds=0.012,
            ),
        ),
        inputs_digest="f" * 64,
        change_digest="c" * 64,
        state_serial=42,
        state_lineage="11111111",
        policy_digest="d" * 64,
        actor=Login("dana"),
        verified_at=NOW,
    )
    return replace(verification, **changes)


@pytest.fixture
async def with_runs(records: Database) -> Database:
    async with records.write() as writer:
        for name in ("run-1", "run-2", "run-3"):
            await writer.add_run(a_run(name, kind=RunKind.VERIFY), NOW)
    return records


@pytest.mark.parametrize(
    "release",
    [
        pytest.param(a_release(), id="everything filled in"),
        pytest.param(
            a_release(
                stack=PROD,
                pull=None,
                var_file_digest=None,
                arguments=(),
                changed=False,
                state_serial=None,
                state_lineage=None,
                outputs={},
                approvers=(),
            ),
            id="as little as possible",
        ),
    ],
)
async def test_a_release_comes_back_as_it_was_recorded_and_is_recorded_once(
    with_runs: Database, release: Release
) -> None:
    async with with_runs.write() as writer:
        await writer.add_release(release)
        await writer.add_release(replace(release, actor=Login("another")))

    async with with_runs.read() as reader:
        assert await reader.release(release.plan_id) == release
        assert await reader.releases(release.stack) == [release]


async def test_releases_are_those_of_a_state_newest_first(with_runs: Database) -> None:
    first, second = a_release(), a_release("p3456789", inputs_digest="9" * 64)
    async with with_runs.write() as writer:
        for release in (first, second, a_release("p4567892", stack=PROD)):
            await writer.add_release(release)

    async with with_runs.read() as reader:
        assert await reader.releases(STAGING) == [second, first]
        assert await reader.releases(STAGING, inputs_digest="f" * 64) == [first]
        assert await reader.release(PlanId("p9999999")) is None


async def test_a_verification_comes_back_as_it_was_recorded_and_once_per_run(with_runs: Database) -> None:
    made = a_verification()
    async with with_runs.write() as writer:
        await writer.add_verification(made)
        await writer.add_verification(replace(made, outcome=Outcome.FAIL))

    async with with_runs.read() as reader:
        assert await reader.verification(RunId("run-1")) == made
        assert await reader.verifications(STAGING) == [made]
        assert await reader.verification(RunId("run-2")) is None


async def test_revoking_takes_back_the_passes_of_one_state_only(with_runs: Database) -> None:
    passed, failed = a_verification(), a_verification("run-2", outcome=Outcome.FAIL)
    elsewhere = a_verification("run-3", stack=PROD)
    async with with_runs.write() as writer:
        for made in (passed, failed, elsewhere):
            await writer.add_verification(made)

        assert await writer.revoke_verifications(STAGING, why="plan p9 was applied", at=LATER) == 1
        assert await writer.revoke_verifications(STAGING, why="again", at=LATER) == 0

    async with with_runs.read() as reader:
        newest, revoked = await reader.verifications(STAGING)
        [other] = await reader.verifications(PROD)
    assert newest == failed
    assert revoked == replace(passed, revoked_at=LATER, revoked_why="plan p9 was applied")
    assert (passed.holds, revoked.holds, failed.holds, other.holds) == (True, False, False, True)


async def test_one_release_alone_can_be_revoked(with_runs: Database) -> None:
    other = a_verification("run-2", release=PlanId("p3456789"))
    async with with_runs.write() as writer:
        await writer.add_verification(a_verification())
        await writer.add_verification(other)

        await writer.revoke_verifications(STAGING, why="it failed", at=LATER, release=PlanId("p2345678"))

    async with with_runs.read() as reader:
        assert [each.holds for each in await reader.verifications(STAGING)] == [True, False]
        assert await reader.verifications(STAGING, release=other.release) == [other]

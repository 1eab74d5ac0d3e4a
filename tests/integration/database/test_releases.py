from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.adapters.database import Database
from bot.domain.core.model import PlanId, RunId, RunKind
from bot.domain.core.outcome import Outcome
from bot.domain.releases.release import Release
from tests.fakes.accounts import account
from tests.fakes.records.releases import a_release, a_verification
from tests.fakes.records.rows import NOW, PROD, STAGING, a_run

LATER = NOW + timedelta(minutes=1)


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
async def test_release_comes_back_as_recorded_and_is_recorded_once(
    with_runs: Database, release: Release
) -> None:
    async with with_runs.write() as writer:
        await writer.add_release(release)
        await writer.add_release(replace(release, actor=account("another")))

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


async def test_verification_comes_back_as_recorded_once_per_run(with_runs: Database) -> None:
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

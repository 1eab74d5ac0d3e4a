"""What deliveries have reported of heads is preferred to GitHub's answers for as long as those may lag."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from bot.adapters.database import Database
from bot.domain.core.heads import LAG, HeadReport
from bot.domain.core.model import DeliveryId, PullRequest, Repo, Sha
from bot.services.runs.heads import Heads
from tests.fakes.clock import HandClock
from tests.fakes.records import builders

A, B, C = (Sha(letter * 40) for letter in "abc")
REPO = Repo(owner="acme", name="infra", installation_id=1)
NAME = REPO.full_name


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def heads(records: Database, clock: HandClock) -> Heads:
    """A pull request that was opened at A and pushed to B."""
    found = Heads(records=records, clock=clock)
    await found.report(NAME, 7, HeadReport(delivery_id=DeliveryId("1"), after=A, is_first=True))
    await found.report(NAME, 7, HeadReport(delivery_id=DeliveryId("2"), before=A, after=B))
    return found


def at(pulls: Sequence[PullRequest]) -> list[tuple[Sha, int | None]]:
    return [(pull.head_sha, pull.head_number) for pull in pulls]


async def shown(heads: Heads, sha: Sha) -> tuple[Sha, int | None]:
    """Return the head that counts when GitHub answers with this one."""
    return at([await heads.numbered(REPO, builders.pull(head_sha=sha))])[0]


async def test_a_reported_head_counts_before_an_older_answer(heads: Heads, clock: HandClock) -> None:
    assert await shown(heads, A) == (B, 2)
    assert await shown(heads, B) == (B, 2)

    clock.moment += LAG
    assert await shown(heads, A) == (A, 3), "it was pushed back, and nobody reported that"


async def test_a_head_that_nobody_reported_is_newer(heads: Heads) -> None:
    assert await shown(heads, C) == (C, 3)
    assert await shown(heads, B) == (C, 3), "GitHub's answers do not go back either"


async def test_a_list_is_corrected_and_nothing_recorded(
    heads: Heads, records: Database, clock: HandClock
) -> None:
    pulls = [builders.pull(head_sha=sha) for sha in (A, B, C)] + [builders.pull(number=8)]

    soon = at(await heads.listed(REPO, pulls))
    clock.moment += LAG
    later = at(await heads.listed(REPO, pulls))

    assert soon == [(B, 2), (B, 2), (C, None), (builders.HEAD, None)]
    assert later == [(A, None), (B, 2), (C, None), (builders.HEAD, None)]
    async with records.read() as reader:
        assert len(await reader.heads(NAME, 7)) == 2


async def test_pull_request_is_fresh_when_delivery_has_just_reported_it(
    heads: Heads, clock: HandClock
) -> None:
    assert (await heads.is_fresh(NAME, 7), await heads.is_fresh(NAME, 8)) == (True, False)

    clock.moment += LAG
    assert not await heads.is_fresh(NAME, 7)


async def test_a_report_in_doubt_records_nothing(heads: Heads, records: Database) -> None:
    late = HeadReport(delivery_id=DeliveryId("3"), before=C, after=A)

    assert not await heads.report(NAME, 7, late)

    async with records.read() as reader:
        assert [head.head_sha for head in await reader.heads(NAME, 7)] == [A, B]


async def test_a_repeated_step_records_nothing_twice(heads: Heads, records: Database) -> None:
    again = HeadReport(delivery_id=DeliveryId("2"), before=A, after=B)

    assert await heads.report(NAME, 7, again)

    async with records.read() as reader:
        assert [head.delivery_id for head in await reader.heads(NAME, 7)] == ["1", "2"]


async def test_request_about_a_commit_is_repeated_when_it_returns(
    heads: Heads, records: Database, clock: HandClock
) -> None:
    async with records.write() as writer:
        await writer.select(NAME, 7, B)
        assert await writer.is_selected(NAME, 7, B)
    clock.moment += timedelta(minutes=1)
    await heads.report(NAME, 7, HeadReport(delivery_id=DeliveryId("3"), before=B, after=A))
    await heads.report(NAME, 7, HeadReport(delivery_id=DeliveryId("4"), before=A, after=B))

    async with records.write() as writer:
        before = await writer.is_selected(NAME, 7, B)
        await writer.select(NAME, 7, B)
        after = await writer.is_selected(NAME, 7, B)

    assert (before, after) == (False, True)

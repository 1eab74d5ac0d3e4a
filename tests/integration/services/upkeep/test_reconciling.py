"""What GitHub could not deliver is asked for again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.adapters.database import Database
from bot.domain.core.errors import GitHubNotFoundError
from bot.domain.core.heads import LAG
from bot.domain.core.model import DeliveryId, PullRequest, Repo, Sha
from bot.domain.core.repositories import Listed, read_entries
from bot.ports import FailedDelivery
from bot.services.recovery.dead_letters import DeadLetters
from bot.services.recovery.orphaned_work import OrphanedWork
from bot.services.runs.heads import Heads
from bot.services.upkeep.reconciling import Reconciling
from tests.fakes.clock import HandClock
from tests.fakes.records import builders
from tests.fakes.records.rows import NOW, a_delivery, a_run

A, B = Sha("a" * 40), Sha("b" * 40)
INFRA = Repo(owner="acme", name="infra", installation_id=1)


@dataclass
class Hooks:
    """Deliveries that never arrive, however often they are asked for."""

    failed: list[FailedDelivery]
    asked: list[int] = field(default_factory=list)

    async def failed_deliveries(self, since: datetime) -> Sequence[FailedDelivery]:
        return [each for each in self.failed if each.at >= since]

    async def redeliver(self, attempt: int) -> None:
        self.asked.append(attempt)


def failed(id: int, *, refused: bool) -> FailedDelivery:
    return FailedDelivery(
        id=id, guid=DeliveryId(f"guid-{id}"), event="issue_comment", at=NOW, refused=refused
    )


@dataclass
class GitHub:
    """One repository with one pull request."""

    pull_request: PullRequest
    heads: Heads

    async def repository(self, _: str) -> Repo:
        return INFRA

    async def open_pulls(self, repo: Repo) -> Sequence[PullRequest]:
        return await self.heads.listed(repo, [self.pull_request] if self.pull_request.is_open else [])

    async def pull(self, _: Repo, number: int) -> PullRequest:
        if number != self.pull_request.number:
            raise GitHubNotFoundError(f"there is no pull request {number}", status=404)
        return self.pull_request


def reconciler(records: Database, hooks: Hooks, clock: HandClock, github: Any = None) -> Reconciling:
    async def none(ids: Sequence[str]) -> frozenset[str]:
        del ids
        return frozenset()

    return Reconciling(
        records=records,
        github=github,
        hooks=hooks,
        orphaned_work=OrphanedWork(
            records=records,
            dead_letters=DeadLetters(records=records, clock=clock),
            abandoned=none,
            clock=clock,
        ),
        listed=Listed(read_entries(["acme/infra"])),
        clock=clock,
        every=timedelta(minutes=10),
    )


async def test_server_away_for_long_gets_everything_unless_it_refuses(
    records: Database,
) -> None:
    # Given a delivery that found no server, and one that the server refused,
    hooks = Hooks([failed(1, refused=False), failed(2, refused=True)])
    reconciling = reconciler(records, hooks, HandClock())

    # when it is looked many times,
    for _ in range(30):
        await reconciling.look()

    # then the first is asked for each time, and the second no longer.
    assert (hooks.asked.count(1), hooks.asked.count(2)) == (30, 10)


async def test_a_push_back_that_nobody_reported_is_found_once(records: Database) -> None:
    # Given a pull request whose two heads were planned, and that was pushed back to the first one,
    clock = HandClock()
    heads = Heads(records=records, clock=clock)
    async with records.write() as writer:
        await writer.add_delivery(a_delivery())
        for number, sha in enumerate((A, B), start=1):
            await writer.record_head(INFRA.full_name, 7, sha, NOW)
            await writer.add_run(a_run(f"run-{number}", head_sha=sha, head_number=number), NOW)
    reconciling = reconciler(records, Hooks([]), clock, GitHub(builders.pull(number=7, head_sha=A), heads))

    # when it is looked at while GitHub's list may be old, then nothing is taken in,
    assert await reconciling.look() == 0

    # and afterwards the push is, once.
    clock.moment += LAG
    assert [await reconciling.look() for _ in range(2)] == [1, 0]
    async with records.read() as reader:
        found = await reader.delivery(DeliveryId(f"missed-synchronize-acme/infra#7-{A}/3"))
    assert found is not None


@pytest.mark.parametrize("older", [True, False])
async def test_a_head_that_was_planned_is_not_missed(records: Database, *, older: bool) -> None:
    # Given a head that was planned, by an older version or by this one,
    clock = HandClock()
    heads = Heads(records=records, clock=clock)
    async with records.write() as writer:
        await writer.add_delivery(a_delivery())
        if not older:
            await writer.record_head(INFRA.full_name, 7, A, NOW)
        await writer.add_run(a_run(head_sha=A, head_number=None if older else 1), NOW)

    # when it is looked at, then nothing is missing.
    github = GitHub(builders.pull(number=7, head_sha=A), heads)
    assert await reconciler(records, Hooks([]), clock, github).look() == 0


@pytest.mark.parametrize(
    ("heard", "found"), [((), 1), (("opened",), 1), (("opened", "closed"), 0), (("closed", "reopened"), 1)]
)
async def test_merge_that_nobody_reported_is_found_though_nothing_is_held(
    records: Database, heard: Sequence[str], found: int
) -> None:
    # Given a pull request that was planned and applied nothing, and of which these events came,
    clock = HandClock()
    async with records.write() as writer:
        await writer.add_delivery(a_delivery())
        for place, action in enumerate(heard):
            await writer.add_delivery(a_delivery(f"heard-{place}", event="pull_request", action=action))
        await writer.add_run(a_run(head_sha=A), NOW)
        # and another one that GitHub does not know,
        await writer.add_run(a_run("run-2", head_sha=A, pull=6), NOW)
    merged = builders.pull(number=7, head_sha=A, state="closed", merged=True)
    github = GitHub(merged, Heads(records=records, clock=clock))
    reconciling = reconciler(records, Hooks([]), clock, github)

    # when it is looked at after the merge, then that is taken in once, unless it was heard.
    assert [await reconciling.look() for _ in range(2)] == [found, 0]

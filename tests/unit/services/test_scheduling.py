"""What is due by the policies is found without asking GitHub in every round."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from bot.domain.core.errors import GitHubUnavailableError
from bot.domain.core.model import Repo
from bot.ports import GitHub, Records
from bot.services.stacks.policies import LoadedPolicy, Policies
from bot.services.upkeep.schedules import Scheduling
from tests.fakes.clock import HandClock
from tests.fakes.github.counting import LATER, CountingGitHub

LIMITED = 20


@dataclass(slots=True)
class ActiveRecords:
    """Records of forty repositories that were heard of."""

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ActiveRecords]:
        yield self

    @asynccontextmanager
    async def write(self) -> AsyncIterator[ActiveRecords]:
        yield self

    async def record_policy(self, *_: Any) -> None:
        return

    async def active_repos(self, *, limit: int) -> list[Repo]:
        del limit
        return [Repo(owner="acme", name=f"infra-{number}", installation_id=1) for number in range(40)]


@dataclass(slots=True)
class Duties:
    """Counts for which repositories it was looked."""

    done: list[str] = field(default_factory=list)

    async def queue_due(self, repo: Repo, loaded: LoadedPolicy) -> None:
        del loaded
        self.done.append(repo.full_name)


@dataclass(slots=True)
class LimitingGitHub(CountingGitHub):
    """A GitHub that limits the installation of the first twenty repositories."""

    retry_after: float | None = 600.0

    async def repository(self, full_name: str) -> Repo:
        repo = await CountingGitHub.repository(self, full_name)
        if int(repo.name.rpartition("-")[2]) < LIMITED:
            raise GitHubUnavailableError("GitHub is rate limiting", retry_after=self.retry_after)
        return repo


@dataclass(slots=True)
class RecordsOfTwo(ActiveRecords):
    """Twenty repositories of each of two installations."""

    async def active_repos(self, *, limit: int) -> list[Repo]:
        repos = await ActiveRecords.active_repos(self, limit=limit)
        return [replace(repo, installation_id=1 + place // LIMITED) for place, repo in enumerate(repos)]


@pytest.mark.parametrize(("retry_after", "asked"), [(600.0, 1), (None, LIMITED)])
async def test_a_limit_costs_one_line_and_no_other_installation(
    retry_after: float | None, asked: int, caplog: pytest.LogCaptureFixture
) -> None:
    github, duties = LimitingGitHub(retry_after=retry_after), Duties()
    records = cast("Records", RecordsOfTwo())
    scheduling = Scheduling(
        records=records,
        github=cast("GitHub", github),
        policies=Policies(github=cast("GitHub", github), records=records, clock=HandClock(LATER)),
        clock=HandClock(LATER),
        duties=(duties.queue_due,),
        serves=lambda _: True,
    )

    await scheduling.queue_due()

    assert len([each for each in github.asked if each.startswith("repository")]) == asked + LIMITED
    assert duties.done == [f"acme/infra-{number}" for number in range(LIMITED, 2 * LIMITED)]
    assert [record.exc_info for record in caplog.records if record.levelname == "WARNING"] == [None]


async def test_forty_repositories_cost_little_of_the_hourly_limit() -> None:
    github, clock, duties = CountingGitHub(), HandClock(LATER), Duties()
    records = cast("Records", ActiveRecords())
    scheduling = Scheduling(
        records=records,
        github=cast("GitHub", github),
        policies=Policies(github=cast("GitHub", github), records=records, clock=clock),
        clock=clock,
        duties=(duties.queue_due,),
        serves=lambda _: True,
    )

    for _ in range(120):
        await scheduling.queue_due()
        clock.advance(seconds=30)

    assert len(duties.done) == 120 * 40
    assert len(github.asked) < 600

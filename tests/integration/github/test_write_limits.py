"""Two workers that write as one App, on a GitHub that enforces its limits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.database import Database, migrate
from bot.adapters.github import GitHubApp, Options, Waits
from bot.domain.core.errors import GitHubUnavailableError
from bot.domain.core.model import Repo, Sha
from bot.domain.core.write_buckets import Bucket, WriteLimits
from bot.playground.github import SecondaryLimits, StandIn, StandInConfig
from bot.ports import Check, Clock
from tests.fakes.clock import PassingTime
from tests.integration.github.conftest import REPO, SPEC

MINUTE = 3.0
"""What is a minute to GitHub and to the workers in tests that wait for real; all counts are a sixth of the usual ones."""
OURS = WriteLimits(
    buckets={
        "content_minute": Bucket(tokens=10, seconds=MINUTE, only_content=True, reserved=3),
        "content_hour": Bucket(tokens=66, seconds=60 * MINUTE, only_content=True, reserved=16),
        "minute": Bucket(tokens=20, seconds=MINUTE, reserved=7),
    }
)
HEADS = 33
PATIENCE = 30.0
"""Less than a refusal lasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """The adapters of two processes, and a pull request to write on."""

    github: StandIn
    apps: tuple[GitHubApp, ...]
    repo: Repo
    pull: int
    head: Sha

    async def comment(self, number: int) -> float:
        """Write a comment; returns how many seconds that took."""
        started = time.monotonic()
        await self.apps[number % 2].comment(self.repo, self.pull, f"number {number}")
        return time.monotonic() - started

    async def check(self, number: int) -> int:
        check = Check(
            name=f"plan {number}", head_sha=self.head, title="Planned", summary="", conclusion="success"
        )
        return await self.apps[number % 2].create_check(self.repo, check)

    def said(self) -> list[int]:
        """The numbers of the comments, as they came."""
        return [int(each.body.split()[1]) for each in self.github.comments(REPO, self.pull)]

    def writes(self) -> list[str]:
        """The last part of the paths of what was written, refusals included."""
        log = self.github.requests
        return [each.path.split("/")[-1] for each in log if each.method != "GET" and "/repos/" in each.path]


@pytest.fixture
async def opened() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def start(
    opened: AsyncExitStack, directory: Path, limits: WriteLimits, passing: PassingTime | None = None
) -> Workers:
    """Start a stand-in, and two workers on one database; time is real unless one that passes is given."""
    clock: Clock = passing or SystemClock()
    patience = Options().patience if passing is None else PATIENCE

    def epoch() -> float:
        return clock.now().timestamp()

    github = StandIn(StandInConfig(state_dir=directory, spec=SPEC, clock=epoch))
    await github.start()
    opened.push_async_callback(github.stop)
    await github.create_repo(REPO, files={"a": "0\n"})
    await github.add_personas(REPO)
    pull = await github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    url = f"sqlite:///{directory}/bot.db"
    migrate(url)
    session = await opened.enter_async_context(aiohttp.ClientSession())
    apps = []
    for ledger in (Database(url), Database(url)):
        opened.push_async_callback(ledger.close)
        app = GitHubApp(
            session,
            app_id=str(github.config.app_id),
            private_key=github.private_key_pem,
            clock=clock,
            options=Options(base_url=github.api_url, ledger=ledger, write_limits=limits, patience=patience),
            waits=Waits() if passing is None else passing.waits(),
        )
        opened.push_async_callback(app.close)
        apps.append(app)
    repo = await apps[0].repository(REPO)
    return Workers(github=github, apps=tuple(apps), repo=repo, pull=pull.number, head=Sha(pull.head_sha))


@pytest.fixture
async def workers(opened: AsyncExitStack, tmp_path: Path) -> Workers:
    """Workers whose time is real, on a GitHub whose minute is short."""
    workers = await start(opened, tmp_path, OURS)
    workers.github.limits.secondary = SecondaryLimits(
        content_per_minute=13,
        content_per_hour=83,
        points_per_minute=150,
        at_once=16,
        minute=MINUTE,
        hour=60 * MINUTE,
    )
    return workers


async def test_a_storm_is_written_within_the_limits_and_in_order(workers: Workers) -> None:
    checks = [asyncio.create_task(workers.check(number)) for number in range(HEADS)]
    started = time.monotonic()
    times = await asyncio.gather(*(workers.comment(number) for number in range(HEADS)))
    await asyncio.gather(*checks)

    limits, said = workers.github.limits.secondary, workers.said()
    assert limits is not None
    assert limits.refused == 0
    assert sorted(said) == list(range(HEADS))
    assert workers.writes().count("check-runs") == HEADS
    for worker in (0, 1):
        own = [number for number in said if number % 2 == worker]
        assert own == sorted(own)
    # Ten comments go at once, and as many with each minute of this GitHub.
    assert max(times) >= 3 * MINUTE
    assert sorted(times)[9] < max(times) / 2
    assert time.monotonic() - started >= 3 * MINUTE


async def test_what_people_wait_for_overtakes_the_checks_of_both_workers(workers: Workers) -> None:
    checks = [asyncio.create_task(workers.check(number)) for number in range(HEADS)]
    await checks[3]

    before = len(workers.writes())
    await asyncio.gather(*(workers.comment(number) for number in range(5)))
    between = workers.writes()[before:]
    await asyncio.gather(*checks)

    assert between.count("comments") == 5
    # At most what was on its way already, of each worker.
    assert between.count("check-runs") <= 3
    assert workers.github.limits.secondary is not None
    assert workers.github.limits.secondary.refused == 0


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize("told", [True, False], ids=["with retry-after", "without retry-after"])
async def test_a_refusal_of_one_worker_stops_the_other_too(
    opened: AsyncExitStack, tmp_path: Path, *, status: int, told: bool
) -> None:
    passing = PassingTime()
    workers = await start(opened, tmp_path, WriteLimits(), passing)
    limits = SecondaryLimits(content_per_minute=2, status=status, tells_retry_after=told)
    workers.github.limits.secondary = limits
    for number in (0, 2):
        await workers.comment(number)

    with pytest.raises(GitHubUnavailableError) as refused:
        await workers.comment(4)
    with pytest.raises(GitHubUnavailableError) as stopped:
        await workers.comment(1)
    with pytest.raises(GitHubUnavailableError):
        await workers.check(1)
    asked = limits.refused
    await passing.sleep(61)
    await workers.comment(1)

    assert (refused.value.retry_after, stopped.value.retry_after) == (60.0, 60.0)
    assert asked == 1
    assert workers.said() == [0, 2, 1]

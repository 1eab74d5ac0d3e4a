from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from bot.playground.github.config import StandInConfig
from bot.playground.github.standin import StandIn
from tests.integration.standin.conftest import FILES, REPO, SPEC, Clock, Receiver, World
from tests.integration.standin.shell import Shell

R = f"/repos/{REPO}"
LONGEST = 10.0


@dataclass(slots=True)
class Passing:
    """Time that passes when a test says so."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def passing() -> Passing:
    return Passing()


@pytest.fixture
async def late(tmp_path: Path, receiver: Receiver, clock: Clock, passing: Passing) -> AsyncIterator[World]:
    config = StandInConfig(
        state_dir=tmp_path / "github",
        spec=SPEC,
        webhook_url=receiver.url,
        clock=clock,
        lag_longest=LONGEST,
        lag_clock=passing,
    )
    github = StandIn(config)
    await github.start()
    await github.create_repo(REPO, files=FILES)
    await github.add_personas(REPO)
    async with aiohttp.ClientSession() as session:
        yield World(github, receiver, session, clock)
    assert github.crashes == []
    assert github.violations == []
    await github.stop()


async def test_rest_has_no_fresh_pull_request_when_its_webhook_comes(late: World, passing: Passing) -> None:
    pull = await late.github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    await late.github.settled()
    bot = await late.bot()

    early, listed = await bot.get(f"{R}/pulls/{pull.number}"), await bot.get(f"{R}/pulls")
    passing.now += LONGEST
    then = await bot.get(f"{R}/pulls/{pull.number}")

    assert late.receiver.last("pull_request.opened").body["number"] == pull.number
    assert (early.status, listed.body) == (404, [])
    assert (then.status, then.body["head"]["sha"]) == (200, pull.head_sha)


async def test_rest_shows_old_head_when_webhook_of_the_new_comes(late: World, passing: Passing) -> None:
    pull = await late.github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    passing.now += LONGEST
    old = pull.head_sha
    new = await late.github.push(REPO, "f", {"a": "2\n"}, author="dev")
    await late.github.settled()
    bot = await late.bot()

    early, listed = await bot.get(f"{R}/pulls/{pull.number}"), await bot.get(f"{R}/pulls")
    passing.now += LONGEST
    then = await bot.get(f"{R}/pulls/{pull.number}")

    told = late.receiver.last("pull_request.synchronize").body
    assert (told["before"], told["after"]) == (old, new)
    assert (early.body["head"]["sha"], listed.body[0]["head"]["sha"]) == (old, old)
    assert then.body["head"]["sha"] == new


async def test_changes_in_a_row_are_shown_in_their_order(late: World, passing: Passing) -> None:
    pull = await late.github.open_pull(REPO, author="dev", branch="f", files={"a": "0\n"})
    passing.now += LONGEST
    pushed = [pull.head_sha]
    for number in range(1, 6):
        pushed.append(await late.github.push(REPO, "f", {"a": f"{number}\n"}, author="dev"))
        passing.now += 0.5
    bot = await late.bot()

    shown = []
    for _ in range(100):
        shown.append((await bot.get(f"{R}/pulls/{pull.number}")).body["head"]["sha"])
        passing.now += 0.1

    assert list(dict.fromkeys(shown)) == [sha for sha in pushed if sha in shown]
    assert shown == sorted(shown, key=pushed.index)
    assert (shown[0] != pushed[-1], shown[-1]) == (True, pushed[-1])


async def test_refs_of_pull_request_lag_and_its_commits_do_not(
    late: World,
    passing: Passing,
    tmp_path: Path,
) -> None:
    shell = Shell(late, tmp_path)
    pull = await late.github.open_pull(REPO, author="reader", branch="f", files={"a": "1\n"}, fork="reader")
    origin = shell.origin("x-access-token", await late.token())
    head, merge = f"refs/pull/{pull.number}/head", f"refs/pull/{pull.number}/merge"
    await shell.good("init", "--quiet", "here")

    early = await shell.good("ls-remote", origin)
    await shell.good("-C", "here", "fetch", "--quiet", origin, pull.head_sha)
    passing.now += LONGEST
    then = await shell.good("ls-remote", origin)

    assert "refs/pull" not in early
    assert f"{pull.head_sha}\t{head}" in then
    assert merge in then
    assert "refs/network" not in then


async def test_refs_that_wait_are_written_when_it_stops(tmp_path: Path, passing: Passing) -> None:
    github = StandIn(StandInConfig(state_dir=tmp_path, lag_longest=LONGEST, lag_clock=passing))
    await github.start()
    await github.create_repo(REPO, files=FILES)
    await github.add_personas(REPO)
    pull = await github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})

    await github.stop()

    written = github.repo_path(REPO) / f"refs/pull/{pull.number}/head"
    assert written.read_text().strip() == pull.head_sha

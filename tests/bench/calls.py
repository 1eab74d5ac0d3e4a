"""How often GitHub is asked and written to: for a plan, for an apply of prod, and for a push under many pull requests."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass

from rich.console import Console

from bot.playground.github.standin import StandIn
from bot.playground.seed import files
from bot.playground.stack import Playground
from tests.bench.judging import Judged, measure_judging
from tests.e2e.world import ADMIN, DEV, OWNER, STAGING, World, next_second, with_lasting_test

_REPO = "acme/counted"
_GREETING = "terraform/content.tf"
_WRITES = frozenset({"POST", "PATCH", "PUT", "DELETE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What was counted; requests are by kind, as `GET repos/:repo/pulls/:n`."""

    plan: Counter[str]
    apply: Counter[str]
    push: Counter[str]
    pulls: int
    stale: int
    """Plans of the open pull requests that were marked when the delivery of the push was handled."""
    judged: Judged


async def measure_calls(playground: Playground, *, pulls: int) -> Counted:
    """Count on one repository, on which nothing else happens."""
    world = await _world(playground)
    number = await world.open(await _greet(world, "Opened"))
    await world.told(number)
    plan = await _count(world, lambda: _replan(world, number))
    await _make_ready(world, number)
    apply = await _count(world, lambda: _apply(world, number))
    push, stale = await _push_under(world, pulls)
    return Counted(plan=plan, apply=apply, push=push, pulls=pulls, stale=stale, judged=measure_judging())


def show_calls(found: Counted) -> None:
    """Print the counts."""
    out = Console()
    for name, counts in (("a plan", found.plan), ("/apply prod", found.apply)):
        out.print(f"{name}: {counts.total()} requests of GitHub, {_writes(counts)} of them write")
        for kind, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            out.print(f"  {count:3} {kind}")
    out.print(
        f"a push to base under {found.pulls} open pull requests: {found.stale} plans stale at once,"
        f" {_writes(found.push)} writes and {found.push.total()} requests in all"
    )
    judged = found.judged
    out.print(
        f"owners of {judged.paths} files by {judged.rules} rules: {judged.seconds * 1000:.0f} ms,"
        f" {judged.ratio:.2f} times the parsing of the same files' JSON"
    )


def _writes(counts: Counter[str]) -> int:
    return sum(count for kind, count in counts.items() if kind.split()[0] in _WRITES)


async def _world(playground: Playground) -> World:
    seeded = files(playground.engine.version)
    seeded["gatewright.yaml"] = with_lasting_test(
        re.sub(r"(state_key:\s*\"?[a-z]+)/", r"\g<1>/counted/", seeded["gatewright.yaml"])
    )
    await playground.github.create_repo(_REPO, files=seeded)
    await playground.github.add_personas(_REPO)
    return World(playground=playground, repo=_REPO)


async def _count(world: World, act: Callable[[], Awaitable[None]]) -> Counter[str]:
    await world.idle()
    before = len(world.github.requests)
    await act()
    await world.idle()
    return Counter(kind(one.method, one.path) for one in world.github.requests[before:] if is_api(one.path))


def is_api(path: str) -> bool:
    """Whether a request of the stand-in counts as one of GitHub's API."""
    return path.startswith(("/api/v3/", "/api/graphql"))


def kind(method: str, path: str) -> str:
    """Return what a request is about, without numbers, names and commits."""
    plain = (
        path.split("?", maxsplit=1)[0].removeprefix("/api/v3/").removeprefix("/api/").replace(_REPO, ":repo")
    )
    plain = re.sub(r"/[0-9a-f]{40}\b", "/:sha", plain)
    plain = re.sub(r"/\d+\b", "/:n", plain)
    plain = re.sub(
        r"(collaborators|users|contents|branches|commits|ref/heads|teams)/[^/]+", r"\1/:name", plain
    )
    return f"{method} {plain}"


async def _greet(world: World, words: str) -> dict[str, str | None]:
    text = await world.read(_GREETING)
    return {_GREETING: text.replace("<h1>", f"<h1>{words} ", 1)}


async def _replan(world: World, number: int) -> None:
    """Plan one environment, warm."""
    await world.comment(number, "/plan staging")
    await world.hear(number, kind="plan", env="staging", status="planned")


async def _make_ready(world: World, number: int) -> None:
    """Open every gate of prod."""
    await next_second()
    await world.github.review(world.repo, number, author=OWNER, state="approved")
    await world.told(number)
    await world.comment(number, "/apply staging")
    await world.hear(number, kind="apply", env="staging", status="applied")
    await world.told(number)


async def _apply(world: World, number: int) -> None:
    await world.comment(number, "/apply prod")
    await world.hear(number, kind="apply", env="prod", status="applied")


async def _push_under(world: World, pulls: int) -> tuple[Counter[str], int]:
    """Push to base while that many pull requests have a plan that the push overtakes."""
    staging = await world.staging("A pull request")
    first = await world.open({STAGING: staging}, branch="first")
    await world.told(first)
    numbers = await _open_unseen(world.github, pulls - 1, staging)
    _copy_plans(world, first, numbers)

    async def push() -> None:
        await world.push({STAGING: await world.staging("The base")}, branch="main", by=ADMIN)

    counts = await _count(world, push)
    with closing(sqlite3.connect(f"file:{world.database}?mode=ro", uri=True, timeout=20)) as database:
        question = "SELECT count(*) FROM plans WHERE repo = ? AND status = 'stale' AND pull >= ?"
        [stale] = database.execute(question, (_REPO, first)).fetchone()
    return counts, stale


async def _open_unseen(github: StandIn, count: int, staging: str) -> list[int]:
    """Open pull requests of which the bot is not told: their plans are copies, so that no hours go by."""
    github.hooks.pause()
    numbers = []
    for index in range(count):
        files_ = {STAGING: f"{staging}# {index}\n"}
        pull = await github.open_pull(_REPO, author=DEV, branch=f"unseen-{index}", files=files_)
        numbers.append(pull.number)
    github.hooks.lose_next(len(github.hooks.pending))
    github.hooks.resume()
    await github.settled()
    return numbers


def _copy_plans(world: World, first: int, numbers: list[int]) -> None:
    """Give each pull request a plan like that of the first."""
    with closing(sqlite3.connect(world.database, timeout=30, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        database.execute(
            "CREATE TEMP TABLE one AS SELECT * FROM plans WHERE repo = ? AND pull = ? AND status = 'planned'",
            (_REPO, first),
        )
        for number in numbers:
            database.execute(
                "UPDATE one SET pull = ?, id = substr(id, 1, 8) || ?,"
                " sequence = (SELECT max(sequence) + 1 FROM plans)",
                (number, number),
            )
            database.execute("INSERT INTO plans SELECT * FROM one")
        database.execute("COMMIT")

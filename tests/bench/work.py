"""How much the bot itself does: per plan, per apply, for twenty pull requests at once, and while nothing happens."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bot.playground.stack import Playground
from tests.bench.acts import Acting, until_idle
from tests.bench.calls import is_api
from tests.bench.module import Module, fresh_names
from tests.bench.people import crowd, crowded_module
from tests.bench.tally import Tally

_SIZE = 10
_WARM_RUNS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """What was spent on one thing, or in one second."""

    cpu: float
    """Seconds of the bot's own process, without Terraform and git."""
    statements: float
    commits: float
    requests: float
    """Of GitHub's API."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What was spent on each act, by its name."""

    idle: Amount
    """In a second."""
    acts: dict[str, Amount]


async def measure_work(playground: Playground, *, runs: int, pulls: int, idle_seconds: float) -> Spent:
    """Start the bot so that it counts, and let it work; it goes on counting afterwards."""
    file = playground.directory / "tally"
    tally = Tally(file)
    await playground.bot.stop()
    await playground.start_module("tests.bench.counted_bot", str(file))
    counting = _Counting(playground=playground, tally=tally)
    acting = Acting(playground=playground, module=_module(playground))
    await acting.create()
    acts = {"first plan": await counting.per_one(acting.open, 1)}
    for _ in range(_WARM_RUNS):
        await acting.comment()
    acts["/plan again"] = await counting.per_one(acting.comment, runs)
    acts["plan of a push"] = await counting.per_one(acting.push, runs)
    changed = Acting(playground=playground, module=crowded_module(playground))
    await changed.create()
    await changed.open()
    changed.note_plans()
    await until_idle(playground)
    acts["/apply staging"] = await counting.per_one(lambda: changed.apply("staging"), 1)
    many = crowded_module(playground)
    at_once = await counting.per_one(lambda: crowd(playground, many, pulls), 1)
    acts[f"each plan of {pulls} pull requests at once"] = _share(at_once, pulls * len(many.envs))
    return Spent(idle=await counting.per_second(idle_seconds), acts=acts)


def show_work(found: Spent) -> None:
    """Print the amounts; GitHub's requests and SQL are the same on every machine, the CPU is not."""
    out = Console()
    for name, one in found.acts.items():
        out.print(
            f"{name}: {one.cpu:.3f} s of the bot's CPU, {one.statements:.0f} SQL statements,"
            f" {one.commits:.0f} commits, {one.requests:.1f} requests of GitHub",
            highlight=False,
            soft_wrap=True,
        )
    idle = found.idle
    out.print(
        f"idle: {idle.cpu:.1%} of a core, {idle.statements:.1f} SQL statements and {idle.commits:.1f} commits a second",
        highlight=False,
        soft_wrap=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counting:
    """Counts what happens from one moment to another."""

    playground: Playground
    tally: Tally

    async def per_one(self, act: Callable[[], Awaitable[object]], times: int) -> Amount:
        """Return what one act cost, with everything that follows from it."""
        before = await self._quiet()
        for _ in range(times):
            await act()
        return _share(_less(await self._quiet(), before), times)

    async def per_second(self, seconds: float) -> Amount:
        """Return what a second costs in which nothing happens."""
        before, begun = await self._quiet(), time.monotonic()
        await asyncio.sleep(seconds)
        return _share(_less(self._now(), before), time.monotonic() - begun)

    async def _quiet(self) -> Amount:
        """Return what was spent until there was nothing left to do."""
        await until_idle(self.playground)
        return self._now()

    def _now(self) -> Amount:
        requests = sum(is_api(one.path) for one in self.playground.github.requests)
        cpu = _cpu_seconds(self.playground.bot.pid or 0)
        return Amount(
            cpu=cpu, statements=self.tally.statements, commits=self.tally.commits, requests=requests
        )


def _module(playground: Playground) -> Module:
    return Module(name=next(fresh_names), size=_SIZE, version=playground.engine.version)


def _cpu_seconds(pid: int) -> float:
    """Return the processor time of a process without its children; only Linux has that."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _less(later: Amount, earlier: Amount) -> Amount:
    return Amount(
        cpu=later.cpu - earlier.cpu,
        statements=later.statements - earlier.statements,
        commits=later.commits - earlier.commits,
        requests=later.requests - earlier.requests,
    )


def _share(whole: Amount, parts: float) -> Amount:
    return Amount(
        cpu=whole.cpu / parts,
        statements=whole.statements / parts,
        commits=whole.commits / parts,
        requests=whole.requests / parts,
    )

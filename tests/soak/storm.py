"""An hour of a busy organisation, by a clock that passes quickly; everything is chosen by a seed."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import sqlite3
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bot.playground.github.hub import RequestLog
from tests.soak.acts import ACTS, REPORT, Act, play
from tests.soak.clock import FILE, SharedClock
from tests.soak.ground import SoakGround, create, populate, repositories
from tests.soak.scene import Scene

SETTINGS = {"GATEWRIGHT_LOG_FORMAT": "json"}
WINDOW = 600.0
"""Simulated seconds over which requests are counted."""
_RECONCILED = 660.0
"""Longer than from one look for missed webhooks to the next."""
_UNFINISHED = (
    "SELECT count(*) FROM deliveries WHERE outcome IS NULL",
    "SELECT count(*) FROM runs WHERE status IN ('queued', 'preparing', 'running')",
    "SELECT count(*) FROM workflow_status WHERE status IN ('ENQUEUED', 'PENDING', 'DELAYED')",
)
_COMPUTED = """
    SELECT count(*) AS n FROM workflow_status WHERE status IN ('ENQUEUED', 'PENDING')
    AND queue_name IN ('inbox', 'checks', 'plans', 'changes')
"""
_MOST_WAITING = 12
"""Jobs that wait at most before time passes on: the organisation is busy, the machine is small."""
_LAG = 10.0
"""Simulated seconds by which GitHub's answers, refs and tips are at most behind its webhooks."""
_LOOK = 0.02
"""Real seconds between two leaps of the clock."""
_STUCK = 5.0
_WHILE_BUSY, _WHILE_QUIET, _AT_REST = 0.4, 2.0, 5.0
"""How far it leaps then; at rest nothing waits, and only what is done by the clock goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much of it."""

    repos: int
    pulls: int
    acts: int
    reports: int
    """Of other programs on commits."""
    minutes: float

    def lasting(self, minutes: float) -> Scale:
        """Return a shorter time of the same storm."""
        part = minutes / self.minutes
        return replace(
            self,
            pulls=round(self.pulls * part),
            acts=round(self.acts * part),
            reports=round(self.reports * part),
            minutes=minutes,
        )


SHORT = Scale(repos=3, pulls=5, acts=36, reports=48, minutes=4)
FULL = Scale(repos=40, pulls=300, acts=1000, reports=10_000, minutes=60)


@dataclass(slots=True, kw_only=True)
class Storm:
    """What happened, for the judge."""

    ground: SoakGround
    clock: SharedClock
    scale: Scale
    seed: int
    scene: Scene = field(init=False)
    began: float = 0.0
    done: Counter[str] = field(default_factory=Counter)
    requests: Counter[int] = field(default_factory=Counter)
    """Requests of GitHub's API by window."""
    kinds: Counter[str] = field(default_factory=Counter)
    _counted: float = 0.0
    _seen: tuple[int, float] = (0, 0.0)
    """How many jobs waited, and since when."""

    @property
    def database(self) -> Path:
        return self.ground.directory / "bot" / "data" / "gatewright.db"

    async def run(self) -> None:
        """Do everything, and wait until the bot has come to rest and has looked for what it missed."""
        chance = random.Random(self.seed)  # noqa: S311 - a storm that can be repeated
        repos = repositories(self.scale.repos)
        self.scene = Scene(github=self.ground.github, chance=chance, repos=repos, most_pulls=self.scale.pulls)
        for repo in repos:
            await create(self.ground, repo)
        await populate(self.ground.github)
        await self.idle()
        self.began = self._counted = self.clock.epoch()
        for at, act in self._programme(chance):
            await self._pass_until(self.began + at)
            if await play(act, self.scene):
                self.done[act.name] += 1
        await self._rest()

    def _programme(self, chance: random.Random) -> list[tuple[float, Act]]:
        """Return what happens when, in seconds from the beginning."""
        # Each at least once, however short the storm is.
        left = self.scale.acts - len(ACTS)
        acts = [*ACTS, *chance.choices(ACTS, weights=[act.weight for act in ACTS], k=left)]
        acts += [REPORT] * self.scale.reports
        chance.shuffle(acts)
        times = sorted(chance.uniform(0, self.scale.minutes * 60) for _ in acts)
        return list(zip(times, acts, strict=True))

    async def _pass_until(self, then: float) -> None:
        while await asyncio.to_thread(self._waiting) > _MOST_WAITING:
            await self._pass(_WHILE_QUIET)
        while (left := then - self.clock.epoch()) > 0:
            await self._pass(left)

    async def _rest(self) -> None:
        """Let time pass until nothing is left to do, twice over the look for what was missed."""
        for _ in range(2):
            await self.idle()
            await self._pass_until(self.clock.epoch() + _RECONCILED)
        await self.idle()
        self._count()

    async def _pass(self, most: float) -> None:
        """Let some time pass, quickly where the bot only waits: its time limits are of the same time."""
        waiting = await asyncio.to_thread(self._waiting)
        if waiting != self._seen[0]:
            self._seen = (waiting, time.monotonic())
        # What has not moved for a while waits for GitHub, not for this machine.
        busy = waiting and time.monotonic() - self._seen[1] < _STUCK
        leap = _WHILE_BUSY if busy else _WHILE_QUIET
        if not waiting and most > _WHILE_QUIET and not await asyncio.to_thread(self._busy):
            leap = _AT_REST
        self.clock.advance(min(most, leap))
        self._count()
        await asyncio.sleep(_LOOK)

    async def idle(self) -> None:
        """Wait until nothing is queued or running in the bot; meanwhile time passes."""
        await self.ground.github.settled()
        while await asyncio.to_thread(self._busy):
            await self._pass(_WHILE_QUIET)

    def _busy(self) -> bool:
        if self.ground.github.hooks.pending:
            return True
        return any(count for question in _UNFINISHED for row in self.ask(question) for count in row.values())

    def _waiting(self) -> int:
        return int(self.ask(_COMPUTED)[0]["n"]) + len(self.ground.github.hooks.pending)

    def ask(self, question: str, *values: object) -> list[dict[str, Any]]:
        """Return what a query finds in the database; blocking."""
        with contextlib.closing(
            sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30)
        ) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(question, values)]

    def _count(self) -> None:
        """Count requests by window; the stand-in does not keep its log for ever."""
        now = self.clock.epoch()
        if now - self._counted < WINDOW / 10:
            return
        for each in reversed(self.ground.github.requests):
            if each.at < self._counted:
                break
            if each.at < now and each.path.startswith("/api/"):
                self.requests[int((each.at - self.began) // WINDOW)] += 1
                self.kinds[kind(each)] += 1
        self._counted = now


def kind(request: RequestLog) -> str:
    """Return what a request is about, without names and numbers."""
    path = re.sub(r"^/api/(v3/)?(repos/[^/]+/[^/]+/?)?", "", request.path.split("?", 1)[0]) or "repository"
    path = re.sub(r"/([0-9a-f]{40}|[0-9]+)(?=/|$)", "/N", path)
    path = re.sub(r"(collaborators|contents|heads)/[^/]+", r"\1/N", path)
    return f"{request.method} {path}"


def make(directory: Path, scale: Scale, seed: int) -> Storm:
    """Return a storm that has not begun."""
    clock = SharedClock(directory / FILE)
    ground = SoakGround(
        directory=directory,
        extra=SETTINGS,
        repositories=[repo.full_name for repo in repositories(scale.repos)],
        lag=_LAG,
        knobs={
            "clock": clock.epoch,
            "lag_clock": clock.monotonic,
            "lag_seed": seed,
            "tip_lag_clock": clock.monotonic,
            "tip_lag_longest": _LAG,
            "tip_lag_seed": seed,
            "trust_seed": seed,
            "save_delay": 600.0,
            "kept_deliveries": 100_000,
        },
    )
    return Storm(ground=ground, clock=clock, scale=scale, seed=seed)

"""The clocks of the tests: they stand still until a test moves them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.adapters.github import Waits
from tests.fakes.records.rows import NOW


@dataclass(slots=True)
class HandClock:
    """A clock that a test sets."""

    moment: datetime = NOW

    def now(self) -> datetime:
        return self.moment

    def advance(self, **span: float) -> None:
        self.moment += timedelta(**span)


@dataclass(slots=True)
class PassingTime:
    """Clock, monotonic time and sleep in one; `slept` lists the waits in order."""

    start: datetime = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    passed: float = 0.0
    slept: list[float] = field(default_factory=list)
    chance: float = 0.0

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    def epoch(self) -> float:
        return self.now().timestamp()

    def random(self) -> float:
        return self.chance

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.slept.append(seconds)
        self.passed += seconds

    def waits(self) -> Waits:
        return Waits(sleep=self.sleep, monotonic=self.monotonic, random=self.random)

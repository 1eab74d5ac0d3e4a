"""What is killed: the one server on SQLite, or the web process and the workers over PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
from dataclasses import dataclass, field
from typing import Any, Protocol

from bot.domain.core.errors import GatewrightError
from bot.playground.process import BotProcess
from bot.playground.stack import Playground
from tests.chaos.ground import Row
from tests.e2e.workers.fleet import Fleet

_WORKERS = ("worker-a", "worker-b")


class Victims(Protocol):
    """Processes that can be killed and started again, and their database."""

    async def start(self) -> None:
        """Start those that the playground did not start itself."""
        ...

    async def choose(self, chance: random.Random) -> None:
        """Decide whom `kill` and `revive` are about."""
        ...

    async def kill(self) -> None:
        """Kill it with SIGKILL."""
        ...

    async def revive(self) -> None:
        """Start it again, on the same data, and wait until it is ready."""
        ...

    async def supervise(self) -> None:
        """Start again what has ended by itself, as a supervisor does: a worker that was taken for dead stops."""
        ...

    def ask(self, question: str) -> list[Row]:
        """Return what a query finds in the database; blocking."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Single:
    """One server on SQLite."""

    playground: Playground

    async def start(self) -> None:
        """Nothing more to start."""

    async def choose(self, chance: random.Random) -> None:
        """There is only one."""

    async def kill(self) -> None:
        await self.playground.bot.stop(kill=True)

    async def revive(self) -> None:
        await self.playground.start_bot()

    async def supervise(self) -> None:
        """It never ends by itself."""

    def ask(self, question: str) -> list[Row]:
        file = self.playground.directory / "bot" / "data" / "gatewright.db"
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(question)]


@dataclass(slots=True, kw_only=True)
class Several:
    """A web process and two workers over PostgreSQL."""

    fleet: Fleet
    chosen: str = field(default=_WORKERS[0])

    async def start(self) -> None:
        for name in _WORKERS:
            await self.fleet.start_worker(name)

    async def choose(self, chance: random.Random) -> None:
        self.chosen = chance.choice(("web", *_WORKERS))

    async def kill(self) -> None:
        process: BotProcess = self.fleet.bot if self.chosen == "web" else self.fleet.workers[self.chosen]
        await process.stop(kill=True)

    async def revive(self) -> None:
        if self.chosen == "web":
            await self.fleet.start_bot()
        else:
            await self.fleet.start_worker(self.chosen)

    async def supervise(self) -> None:
        if self.fleet.bot.pid is None:
            # Its port may be taken for a moment by somebody's outgoing connection.
            with contextlib.suppress(GatewrightError):
                await self.fleet.start_bot()
        for name in _WORKERS:
            if self.fleet.workers[name].pid is None:
                await self.fleet.start_worker(name)

    def ask(self, question: str) -> list[dict[str, Any]]:
        return self.fleet.ask(question.replace(" workflow_status", " dbos.workflow_status"))


async def revive_and_kill(victims: Victims, seconds: float) -> None:
    """Kill it again while it starts."""
    starting = asyncio.create_task(victims.revive())
    await asyncio.sleep(seconds)
    await victims.kill()
    with contextlib.suppress(GatewrightError):
        await starting

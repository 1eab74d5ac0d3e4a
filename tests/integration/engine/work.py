"""Work that writes down what it was asked to do, and waits or fails where a test says so."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.domain.core.retries import Retries
from bot.engine import Engine, EngineConfig, Work
from bot.engine.config import WORKFLOWS
from bot.ports import Job

Behaviour = Callable[[str], Awaitable[None]]
PATIENCE = 60
"""Seconds after which a test gives up waiting."""


async def _nothing(_: str) -> None:
    await asyncio.sleep(0)


@dataclass
class Recorder:
    """Calls in order, as `(step, argument)`; `behave` replaces what a step does."""

    calls: list[tuple[str, str]] = field(default_factory=list)
    finished: list[tuple[str, str]] = field(default_factory=list)
    lost: list[tuple[str, str, str]] = field(default_factory=list)
    behave: dict[str, Behaviour] = field(default_factory=lambda: defaultdict(lambda: _nothing))
    tell: Callable[[], None] = lambda: None

    def work(self) -> Work:
        return Work(**{name: self._call(name) for name in WORKFLOWS}, on_lost=self._on_lost)

    def _call(self, step: str) -> Behaviour:
        async def call(argument: str) -> None:
            self.calls.append((step, argument))
            await self.behave[step](argument)
            self.finished.append((step, argument))

        return call

    async def _on_lost(self, workflow: str, argument: str, error: str) -> None:
        self.tell()
        self.lost.append((workflow, argument, error))

    def counted(self) -> Counter[tuple[str, str]]:
        return Counter(self.calls)


class Store:
    """The bot's own side of the database: transactions into which jobs are enqueued."""

    def __init__(self, url: str) -> None:
        driver = "sqlite+aiosqlite" if url.startswith("sqlite") else "postgresql+psycopg"
        self.engine: AsyncEngine = create_async_engine(sa.make_url(url).set(drivername=driver))
        self._sequence = 0

    async def enqueue(self, engine: Engine, *jobs: Job, fail: bool = False) -> None:
        async with self.engine.begin() as connection:
            for one in jobs:
                self._sequence += 1
                await connection.run_sync(engine.enqueue, one, self._sequence)
            if fail:
                raise RuntimeError("rolled back")

    async def statuses(self) -> list[str]:
        """How the library has recorded the workflows, oldest first (SQLite)."""
        async with self.engine.connect() as connection:
            rows = await connection.scalars(sa.text("SELECT status FROM workflow_status ORDER BY created_at"))
            return list(rows)

    async def close(self) -> None:
        await self.engine.dispose()


def config(directory: Path, **changes: object) -> EngineConfig:
    base = EngineConfig(
        database_url=f"sqlite:///{directory / 'bot.db'}",
        retries=Retries(attempts=3, first_wait=0.01, factor=1.0),
        report_retries=Retries(attempts=6, first_wait=0.01, factor=1.0),
        poll_seconds=0.02,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def delivery(name: str, key: str = "acme/infra#1") -> Job:
    return Job(workflow="handle_delivery", id=f"delivery-{name}", argument=name, queue="inbox", partition=key)


def report_of_check(name: str, repo: str = "acme/infra", delay: timedelta = timedelta()) -> Job:
    return Job(
        workflow="handle_check",
        id=f"delivery-{name}",
        argument=name,
        queue="checks",
        partition=repo,
        delay=delay,
    )


def plan(run: str, repo: str = "acme/infra", env: str = "") -> Job:
    return Job(
        workflow="execute_plan",
        id=f"run-{run}",
        argument=run,
        queue="plans",
        partition=repo,
        environment=f"{repo} {env}" if env else "",
    )


def change(run: str, key: str = "prod/terraform.tfstate", env: str = "") -> Job:
    return Job(
        workflow="execute_change",
        id=f"run-{run}",
        argument=run,
        queue="changes",
        partition=key,
        environment=f"acme/infra {env}" if env else "",
    )


def report(run: str, pull: int = 1) -> Job:
    return Job(
        workflow="report_change",
        id=f"report-{run}",
        argument=run,
        queue="outbox",
        partition=f"acme/infra#{pull}",
    )


async def until(condition: Callable[[], bool | Awaitable[object]]) -> None:
    """Wait until it is true; TimeoutError when it does not become so."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = condition()
            if found is True or (not isinstance(found, bool) and await found):
                return
            await asyncio.sleep(0.01)

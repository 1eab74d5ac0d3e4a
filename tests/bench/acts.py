"""Acts on a pull request, each timed until the bot's plan comment is there."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp

from bot.comments.markdown.header import parse_header, stack_headers
from bot.playground.github.records.model import Delivery
from bot.playground.github.standin import StandIn
from bot.playground.stack import Playground
from tests.bench.module import ENV, Module

AUTHOR = "dev"
_LOOK_SECONDS = 0.005
_PATIENCE = 60.0
_UNFINISHED = "SELECT count(*) FROM workflow_status WHERE status IN ('ENQUEUED', 'PENDING', 'DELAYED')"


class SilenceError(Exception):
    """The bot did not post the plan."""


@dataclass(slots=True, kw_only=True)
class Acting:
    """One repository with one pull request."""

    playground: Playground
    module: Module
    pull: int = 0
    generation: int = 0
    _seen: set[str] = field(default_factory=set)

    async def create(self) -> None:
        """Make the repository; nothing of it is known to the bot yet."""
        await self.playground.github.create_repo(self.module.repo, files=self.module.files())
        await self.playground.github.add_personas(self.module.repo)

    async def open(self) -> dict[str, float]:
        """Open the pull request: everything is cold, the clone included."""
        begun = time.time()
        self.generation += 1
        opened = await self._github.open_pull(
            self.module.repo, author=AUTHOR, branch="change", files=self.module.changes(self.generation)
        )
        self.pull = opened.number
        return await self._until_planned("pull_request", begun)

    async def push(self) -> dict[str, float]:
        """Push a commit that changes every resource."""
        begun = time.time()
        self.generation += 1
        changes = self.module.changes(self.generation)
        await self._github.push(self.module.repo, "change", changes, author=AUTHOR)
        return await self._until_planned("pull_request", begun)

    async def comment(self, env: str = ENV) -> dict[str, float]:
        """Ask for the same plan again."""
        begun = time.time()
        await self._github.comment(self.module.repo, self.pull, author=AUTHOR, body=f"/plan {env}")
        return await self._until_planned("issue_comment", begun)

    def note_plans(self) -> None:
        """Count every plan that is there as seen."""
        while plan := self._new_plan():
            self._seen.add(plan)

    async def apply(self, env: str) -> float:
        """Apply the newest plan; returns the seconds until the comment that says that it is applied."""
        # A command counts for plans that were posted in an earlier second.
        await asyncio.sleep(1.02 - time.time() % 1)
        begun = time.time()
        await self._github.comment(self.module.repo, self.pull, author=AUTHOR, body=f"/apply {env}")
        there = await self._until(self._applied)
        await until_idle(self.playground)
        return there - self._delivery("issue_comment", begun).created_at

    @property
    def _github(self) -> StandIn:
        return self.playground.github

    async def _until_planned(self, event: str, begun: float) -> dict[str, float]:
        """Wait for the comment; the clock runs from the webhook's making, since the stand-in's git is not ours."""
        there = await self._until(self._new_plan)
        plan = self._new_plan() or ""
        self._seen.add(plan)
        await until_idle(self.playground)
        delivery = self._delivery(event, begun)
        parts = run_parts(self.playground, plan, asked=delivery.created_at, there=there)
        return {"all": there - delivery.created_at, "ack": delivery.duration, **parts}

    async def _until(self, look: Callable[[], object]) -> float:
        """Return when there was something to be seen."""
        deadline = time.monotonic() + _PATIENCE
        while not look():
            if time.monotonic() > deadline:
                raise SilenceError(self.playground.bot.tail())
            await asyncio.sleep(_LOOK_SECONDS)
        return time.time()

    def _delivery(self, event: str, begun: float) -> Delivery:
        # Only the newest deliveries are kept, so their number does not tell which of them are new.
        new = (one for one in self._github.deliveries if one.created_at >= begun)
        return next(one for one in new if one.event == event)

    def _applied(self) -> bool:
        comments = self._github.comments(self.module.repo, self.pull)
        headers = (parse_header(comment.body) or {} for comment in comments)
        return any(header.get("kind") == "apply" and header.get("status") == "applied" for header in headers)

    def _new_plan(self) -> str | None:
        for comment in self._github.comments(self.module.repo, self.pull):
            for header in stack_headers(parse_header(comment.body) or {}):
                if header.get("status") == "planned" and header["plan"] not in self._seen:
                    return str(header["plan"])
        return None


async def until_idle(playground: Playground) -> None:
    """Wait until the bot has nothing left to do, so that no measurement pays for another."""
    await playground.github.settled()
    async with asyncio.timeout(_PATIENCE):
        # The bot is not asked, because its answer would count as its work.
        while _unfinished(playground):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def _unfinished(playground: Playground) -> int:
    with closing(_database(playground)) as connection:
        [count] = connection.execute(_UNFINISHED).fetchone()
    return int(count)


def _database(playground: Playground) -> sqlite3.Connection:
    file = playground.directory / "bot" / "data" / "gatewright.db"
    return sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=_PATIENCE)


async def metrics(playground: Playground) -> str:
    """Return what the bot tells Prometheus."""
    headers = {"Authorization": f"Bearer {playground.secrets.metrics_token}"}
    url = f"{playground.bot.url}/metrics"
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return await answer.text()


def run_parts(playground: Playground, plan: str, *, asked: float, there: float) -> dict[str, float]:
    """Return where the time went, from the bot's own records of the run."""
    with closing(_database(playground)) as connection:
        row = connection.execute(
            "SELECT created_at, started_at, finished_at, detail FROM runs WHERE plan_id = ?", (plan,)
        ).fetchone()
    created, started, finished = (
        datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() for text in row[:3]
    )
    parts = {"handler": created - asked, "queue": started - created}
    parts.update({name: float(value) for name, value in json.loads(row[3]).get("seconds", {}).items()})
    return {**parts, "run": finished - started, "post": there - finished}

"""The end-to-end world: the playground's parts, the real bot as a process, one repository per test."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from bot.playground.github.standin import StandIn
from bot.playground.seed import files
from bot.playground.stack import Playground
from bot.playground.watch import Heard, Watch

DEV, OWNER, ADMIN, READER, OUTSIDER = "dev", "owner", "admin", "reader", "outsider"


@dataclass(slots=True, kw_only=True)
class World:
    """One repository with its people, and everything that a test says and asks."""

    playground: Playground
    repo: str
    watches: dict[int, Watch] = field(default_factory=dict)

    @property
    def github(self) -> StandIn:
        return self.playground.github

    def watch(self, number: int) -> Watch:
        return self.watches.setdefault(
            number, Watch(github=self.github, repo=self.repo, number=number, patience=60)
        )

    async def read(self, path: str, branch: str = "main") -> str:
        return await self.github.read(self.repo, branch, path) or ""

    async def open(
        self,
        changes: Mapping[str, str | None],
        *,
        author: str = DEV,
        branch: str = "change",
        **more: object,
    ) -> int:
        pull = await self.github.open_pull(
            self.repo,
            author=author,
            branch=branch,
            files=dict(changes),
            **more,  # type: ignore[arg-type]  # Passed on as they are.
        )
        return pull.number

    async def open_staging_change(self, message: str = "Hello", *, branch: str = "change") -> int:
        return await self.open({"envs/staging.tfvars": await self.staging(message)}, branch=branch)

    async def staging(self, message: str) -> str:
        text = await self.read("envs/staging.tfvars")
        return re.sub(r'^(message\s*=\s*)".*"$', rf'\g<1>"{message}"', text, count=1, flags=re.MULTILINE)

    async def comment(self, number: int, body: str, *, by: str = DEV) -> int:
        """Write a comment at least a second after the last, because GitHub's times are whole seconds."""
        await asyncio.sleep(1.1)
        return (await self.github.comment(self.repo, number, author=by, body=body)).id

    async def hear(self, number: int, **wanted: str) -> Heard:
        return await self.watch(number).hear(wanted)

    async def page(self, path: str) -> str:
        url = f"{self.playground.sites.url}/{path}"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return await answer.text()

    def reactions(self, comment_id: int) -> list[str]:
        return [reaction.content for reaction in self.github.reactions(comment_id)]

    async def idle(self) -> None:
        """Wait until every delivery was answered and nothing is queued or running in the bot."""
        await self.github.settled()
        async with asyncio.timeout(60):
            while await self._busy():
                await asyncio.sleep(0.1)

    async def _busy(self) -> bool:
        headers = {"Authorization": f"Bearer {self.playground.secrets.metrics_token}"}
        url = f"{self.playground.bot.url}/metrics"
        async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
            text = await answer.text()
        depths = re.findall(
            r"^gatewright_(?:queue_depth|jobs_running)\{[^}]*\} ([0-9.]+)$", text, re.MULTILINE
        )
        return any(float(depth) > 0 for depth in depths)


@pytest.fixture(scope="session")
async def playground(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Playground]:
    playground = Playground(directory=tmp_path_factory.mktemp("world"))
    await playground.start()
    yield playground
    await playground.stop()


@pytest.fixture
async def world(playground: Playground, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Give a fresh repository; at the end nothing may be unread, left over or crashed."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:60]
    repo = f"acme/{name}"
    seeded = files(playground.engine.version)
    # The states of tests must not meet: every repository has keys of its own below its environments' prefixes.
    seeded["gatewright.yaml"] = re.sub(
        r"state_key:\s*\"?([a-z]+)/", rf"state_key: \g<1>/{name}/", seeded["gatewright.yaml"]
    )
    await playground.github.create_repo(repo, files=seeded)
    await playground.github.add_personas(repo)
    log_before = playground.bot.log.stat().st_size
    world = World(playground=playground, repo=repo)
    yield world
    await world.idle()
    assert_clean(world, log_before)


def assert_clean(world: World, log_before: int) -> None:
    github = world.github
    assert github.violations == []
    assert github.crashes == []
    unread = {
        number: [heard.header for heard in world.watch(number).unread()]
        for number in github.repo(world.repo).pulls
    }
    assert {number: found for number, found in unread.items() if found} == {}
    with world.playground.bot.log.open("rb") as log:
        log.seek(log_before)
        told = log.read().decode()
    assert "Traceback" not in told, told[-4000:]
    assert leftovers(world.playground.directory) == []


def leftovers(directory: Path) -> list[str]:
    """Return state locks in the store's listing and slots that still hold a run's files."""
    work = directory / "bot" / "data" / "work"
    return [str(path) for path in work.glob("*/*/scratch/*")]


def state_of(text: str) -> dict[str, object]:
    return dict(json.loads(text))

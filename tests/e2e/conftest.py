"""The end-to-end fixtures: the playground's parts, the real bot as a process, one repository per test."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.playground.seed import files
from bot.playground.stack import Playground
from tests.e2e.world import World, assert_clean, with_lasting_test

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run every test on the loop on which the session's playground lives."""
    for item in items:
        if item.path.is_relative_to(_HERE) and isinstance(item, pytest.Function):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def playground(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Playground]:
    playground = Playground(directory=tmp_path_factory.mktemp("world"))
    await playground.start()
    try:
        yield playground
    finally:
        await playground.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def world(playground: Playground, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Give a fresh repository; at the end nothing may be unread, left over or crashed."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[-60:]
    repo = f"acme/{name}"
    seeded = files(playground.engine.version)
    # The states of tests must not meet: every repository has keys of its own below its environments' prefixes.
    seeded["gatewright.yaml"] = re.sub(
        r"(state_key:\s*\"?[a-z]+)/", rf"\g<1>/{name}/", seeded["gatewright.yaml"]
    )
    assert "merge_requires: [staging]" in seeded["gatewright.yaml"]
    seeded["gatewright.yaml"] = with_lasting_test(seeded["gatewright.yaml"])
    await playground.github.create_repo(repo, files=seeded)
    await playground.github.add_personas(repo)
    log_before = playground.bot.log.stat().st_size
    world = World(playground=playground, repo=repo)
    yield world
    await world.idle()
    await assert_clean(world, log_before)

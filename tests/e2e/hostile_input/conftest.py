"""Bad input and attacks, on the playground whose bot is given secrets that must never be seen."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bot.playground.stack import Playground
from tests.e2e.hostile_input.scene import Effects, Scene
from tests.e2e.world import World, fresh_world


@pytest_asyncio.fixture(loop_scope="session")
async def world(playground: Playground, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Give a fresh repository called after a digest, because what the tests try is in their names."""
    name = f"input-{hashlib.sha256(request.node.name.encode()).hexdigest()[:12]}"
    async with fresh_world(playground, name) as world:
        yield world


@pytest_asyncio.fixture(loop_scope="session")
async def scene(world: World) -> Scene:
    """Give the world with its first picture taken."""
    empty = Effects(runs=0, states={}, page="", locks=[])
    scene = Scene(world=world, before=empty)
    await scene.remember()
    return scene

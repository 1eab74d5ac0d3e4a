"""The end-to-end world with its pull-request environments, on a bot that looks after them every half second."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bot.playground.stack import Playground
from tests.e2e.world import LASTING, World, running

QUICK = {"GATEWRIGHT_TICK_SECONDS": "0.5", "GATEWRIGHT_DESTROY_RETRY_SECONDS": "0.5"}
"""So that nobody waits for what is done every now and then."""


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def playground(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Playground]:
    """Give a playground of this directory's own: the more is held in it, the more there is to look after."""
    async with running(Playground(directory=tmp_path_factory.mktemp("world"), extra=QUICK)) as playground:
        yield playground


@pytest_asyncio.fixture(loop_scope="session")
async def town(world: World) -> World:
    """Give the world with `lifecycle: pull_request` for test, as the project's own policy has it."""
    await world.change_policy(lambda text: text.replace(LASTING, "lifecycle: pull_request"))
    await world.idle()
    return world

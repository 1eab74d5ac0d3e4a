"""The end-to-end world with its pull-request environments, on a bot that looks after them every half second."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.playground.stack import Playground
from tests.e2e.conftest import world
from tests.e2e.world import World

__all__ = ["playground", "town", "world"]

QUICK = {"GATEWRIGHT_TICK_SECONDS": "0.5", "GATEWRIGHT_DESTROY_RETRY_SECONDS": "0.5"}
_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run every test on the loop on which the session's playground lives."""
    for item in items:
        if item.path.is_relative_to(_HERE) and isinstance(item, pytest.Function):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def playground(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Playground]:
    playground = Playground(directory=tmp_path_factory.mktemp("world"), extra=QUICK)
    await playground.start()
    try:
        yield playground
    finally:
        await playground.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def town(world: World) -> World:
    """Give the world with `lifecycle: pull_request` for test, as the project's own policy has it."""
    await world.change_policy(lambda text: text.replace("apply: {allow: write}", "lifecycle: pull_request"))
    await world.idle()
    return world

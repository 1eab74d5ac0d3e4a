"""Bad input and attacks, on a playground whose bot is given secrets that must never be seen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.playground.stack import Playground
from tests.e2e.conftest import world
from tests.e2e.world import World
from tests.e2e_input.scene import MOTTO, Effects, Scene

__all__ = ["playground", "scene", "world"]

GIVEN = {
    "STAGING_ONLY_APPLY": "value-for-applies-of-staging",
    "STAGING_PLAN_ONLY_PLAN": "value-for-plans-of-staging",
    "PROD_ONLY_PROD": "value-for-applies-of-prod",
    "PROD_PLAN_PROD_PLAN": "value-for-plans-of-prod",
    "STAGING_PLAN_TF_VAR_motto": MOTTO,
}
_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run every test on the loop on which the session's playground lives."""
    for item in items:
        if item.path.is_relative_to(_HERE) and isinstance(item, pytest.Function):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def playground(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Playground]:
    playground = Playground(directory=tmp_path_factory.mktemp("world"), extra=GIVEN)
    await playground.start()
    try:
        yield playground
    finally:
        await playground.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def scene(world: World) -> Scene:
    """Give the world with its first picture taken."""
    empty = Effects(runs=0, states={}, page="", locks=[])
    scene = Scene(world=world, before=empty)
    await scene.remember()
    return scene

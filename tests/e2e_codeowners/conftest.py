"""The end-to-end world, with a policy under which staging needs the approval of its code owners."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.playground.stack import Playground
from tests.e2e.conftest import world
from tests.e2e.world import World

__all__ = ["gated", "playground", "world"]

_HERE = Path(__file__).parent
_OPEN = "    apply:\n      allow: write\n    after_merge: apply\n"
_GATED = "    apply:\n      allow: write\n      gates: [codeowners]\n    after_merge: apply\n"


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
async def gated(world: World) -> World:
    """Give the world with `* @owner` in CODEOWNERS and the gate on staging."""
    await world.change_policy(lambda text: text.replace(_OPEN, _GATED))
    await world.github.push(world.repo, "main", {".github/CODEOWNERS": "* @owner\n"}, author="admin")
    await world.idle()
    return world

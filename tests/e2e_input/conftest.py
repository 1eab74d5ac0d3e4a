"""Bad input and attacks, on a playground whose bot is given secrets that must never be seen."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.playground.seed import files
from bot.playground.stack import Playground
from tests.e2e.world import World, assert_clean, with_lasting_test
from tests.e2e_input.scene import MOTTO, Effects, Scene

GIVEN = {
    "STAGING_ONLY_APPLY": "value-for-applies-of-staging",
    "STAGING_PLAN_ONLY_PLAN": "value-for-plans-of-staging",
    "PROD_ONLY_PROD": "value-for-applies-of-prod",
    "PROD_PLAN_PROD_PLAN": "value-for-plans-of-prod",
    "STAGING_PLAN_TF_VAR_motto": MOTTO,
    "STAGING_LICENSE_KEY": "licence-of-applies-77ab3e",
    "STAGING_PLAN_LICENSE_KEY": "licence-of-plans-19cd2f",
    "GATEWRIGHT_LOG_FORMAT": "json",
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
async def world(playground: Playground, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Give a fresh repository; at the end nothing may be unread, left over or crashed.

    What the tests try is in their names, so a repository is called after a digest of its test's name.
    """
    name = f"input-{hashlib.sha256(request.node.name.encode()).hexdigest()[:12]}"
    repo = f"acme/{name}"
    seeded = files(playground.engine.version)
    seeded["gatewright.yaml"] = re.sub(
        r"(state_key:\s*\"?[a-z]+)/", rf"\g<1>/{name}/", seeded["gatewright.yaml"]
    )
    seeded["gatewright.yaml"] = with_lasting_test(seeded["gatewright.yaml"])
    await playground.github.create_repo(repo, files=seeded)
    await playground.github.add_personas(repo)
    log_before = playground.bot.log.stat().st_size
    world = World(playground=playground, repo=repo)
    yield world
    await world.idle()
    await assert_clean(world, log_before)


@pytest_asyncio.fixture(loop_scope="session")
async def scene(world: World) -> Scene:
    """Give the world with its first picture taken."""
    empty = Effects(runs=0, states={}, page="", locks=[])
    scene = Scene(world=world, before=empty)
    await scene.remember()
    return scene

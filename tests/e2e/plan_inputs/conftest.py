"""Playgrounds whose bot gives plans and applies other variables, and reads private modules."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import pytest
import pytest_asyncio

from bot.playground.stack import Playground
from tests.e2e.world import LASTING, World, running

MODULES: Final = "acme/modules"
ROTATED: Final = {"plan": "first-of-the-two-words-5512", "apply": "second-of-the-two-words-8841"}
LOGIN: Final = "for-applies-alone-3305"
EXTRA: Final = {
    "STAGING_TF_VAR_login": LOGIN,
    "STAGING_TF_VAR_rotated": ROTATED["apply"],
    "STAGING_PLAN_TF_VAR_rotated": ROTATED["plan"],
    "STAGING_PLAN_CLOUD_KEY": "cloud-key-of-plans-2208",
    "STAGING_CLOUD_KEY": "cloud-key-of-applies-9914",
    "STAGING_PLAN_TF_TOKEN_registry_example_com": "registry-token-of-plans-7710",
    "STAGING_TF_TOKEN_registry_example_com": "registry-token-of-applies-1102",
    "GATEWRIGHT_MODULE_REPOSITORIES": f'["{MODULES}", "elsewhere/modules"]',
    "GATEWRIGHT_LOG_FORMAT": "json",
}


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def playground(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Playground]:
    async with running(Playground(directory=tmp_path_factory.mktemp("world"), extra=EXTRA)) as playground:
        await playground.github.create_repo(MODULES, files={"README.md": "Modules of acme.\n"})
        yield playground


@pytest_asyncio.fixture(loop_scope="session")
async def town(world: World) -> World:
    """Give the world with `lifecycle: pull_request` for test, as the project's own policy has it."""
    await world.change_policy(lambda text: text.replace(LASTING, "lifecycle: pull_request"))
    await world.idle()
    return world

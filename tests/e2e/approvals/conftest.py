"""The end-to-end world, with a policy under which staging needs the approval of its code owners."""

from __future__ import annotations

import pytest_asyncio

from tests.e2e.world import World

_OPEN = "    apply:\n      allow: write\n    after_merge: apply\n"
_GATED = "    apply:\n      allow: write\n      gates: [codeowners]\n    after_merge: apply\n"


@pytest_asyncio.fixture(loop_scope="session")
async def gated(world: World) -> World:
    """Give the world with `* @owner` in CODEOWNERS and the gate on staging."""
    await world.change_policy(lambda text: text.replace(_OPEN, _GATED))
    await world.github.push(world.repo, "main", {".github/CODEOWNERS": "* @owner\n"}, author="admin")
    await world.idle()
    return world

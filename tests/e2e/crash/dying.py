"""Starting a bot that dies at a given stage, and waiting until its successor is done."""

from __future__ import annotations

import asyncio
import contextlib

from bot.domain.core.errors import GatewrightError
from bot.playground.seed import REPO
from bot.playground.stack import Playground
from tests.e2e.world import World, scratch_files, state_locks, terraform_processes


async def start_dying(playground: Playground, point: str) -> None:
    """Run the bot that dies there; work that it resumes may kill it before it is ready."""
    with contextlib.suppress(GatewrightError):
        await playground.start_module("tests.e2e.crash.dying_bot", point)


async def died(playground: Playground) -> None:
    async with asyncio.timeout(60):
        while playground.bot.pid is not None:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)


async def die_in_turn(playground: Playground, points: tuple[str, ...]) -> None:
    """Let the bot that now runs die at the first point, and its successors at the next ones."""
    await died(playground)
    for point in points[1:]:
        await start_dying(playground, point)
        await died(playground)
    await playground.start_bot()


async def settled(playground: Playground) -> None:
    """Wait until the bot has nothing in hand, then look that nothing is left over."""
    await World(playground=playground, repo=REPO).idle()
    assert await asyncio.to_thread(state_locks, playground) == []
    assert scratch_files(playground) == []
    assert terraform_processes(playground) == []

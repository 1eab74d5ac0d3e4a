"""The demo of test: created automatically for a pull request, destroyed after its merge."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from bot.playground.watch import Heard

VAR_FILE = "envs/test.tfvars"
BRANCH = "new-test-greeting"
MESSAGE = "Hello, test"


class Listener(Protocol):
    """What this part of the demo needs."""

    def say(self, text: str) -> None:
        """Print what happens."""
        ...

    async def hear(self, **wanted: str) -> Heard:
        """Wait for a comment of the bot and show it."""
        ...


async def live_in_test(
    stage: Listener,
    expect: Callable[[bool, str], None],
    page: Callable[[str], Awaitable[str]],
    merge: Callable[[], Awaitable[None]],
) -> None:
    """Wait until test is applied, merge, and wait until it is destroyed."""
    said = await stage.hear(kind="apply", env="test", status="applied")
    expect("/test/" in said.body, "the comment does not tell where test is")
    expect(MESSAGE in await page("test/"), f"the test page does not show {MESSAGE!r}")
    stage.say(f"test was created automatically and now shows: {MESSAGE}")
    stage.say("dev merges")
    await merge()
    await stage.hear(kind="destroy", env="test", status="destroyed")
    expect(MESSAGE not in await page("test/"), "the test page is still there")
    stage.say("test is gone with its pull request")

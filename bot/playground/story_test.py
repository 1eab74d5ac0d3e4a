"""The part of the story about test: it is there for a pull request by itself, and gone with its merge."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from bot.playground.watch import Heard

VAR_FILE = "envs/test.tfvars"
BRANCH = "new-test-greeting"
MESSAGE = "Hello, test"


class Listener(Protocol):
    """What the part needs of the stage."""

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
    """Wait for test, look at it, merge, and see it gone."""
    said = await stage.hear(kind="apply", env="test", status="applied")
    expect("/test/" in said.body, "the comment does not tell where test is")
    expect(MESSAGE in await page("test/"), f"the test page does not show {MESSAGE!r}")
    stage.say(f"test was created by itself and now shows: {MESSAGE}")
    stage.say("dev merges")
    await merge()
    await stage.hear(kind="destroy", env="test", status="destroyed")
    expect(MESSAGE not in await page("test/"), "the test page is still there")
    stage.say("test is gone with its pull request")

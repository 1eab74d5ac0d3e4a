"""The demo's way to prod: verified in staging and approved by an owner."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from bot.playground.watch import Heard

MODULE_FILE = "terraform/content.tf"
BRANCH = "new-front-page"
FIRST, _SECOND = "Hello, everybody: ", "Good morning, everybody: "
_HEADLINE = "<h1>"


class Actors(Protocol):
    """What this part of the demo needs."""

    async def comment(self, author: str, body: str) -> None:
        """Write a comment."""
        ...

    async def hear(self, **wanted: str) -> Heard:
        """Wait for a comment of the bot and show it."""
        ...

    async def approve(self, author: str) -> None:
        """Approve the pull request."""
        ...

    async def push_module(self, words: str) -> str:
        """Push the module with other words; returns the new head."""
        ...


Expect = Callable[[bool, str], None]
Page = Callable[[str], Awaitable[str]]


def change_headline(text: str, words: str) -> str:
    """Return the module's text with a headline that begins with `words`."""
    before, headline, after = text.partition(_HEADLINE)
    return f"{before}{headline}{words}{after.removeprefix(FIRST).removeprefix(_SECOND)}"


async def lead_to_prod(stage: Actors, expect: Expect, page: Page) -> None:
    """Play this part on a pull request that was just opened with the first headline."""
    await _verified(stage, expect)
    await _refused(stage, expect, page)
    await _void(stage, expect)
    await _applied(stage, expect, page)


async def _verified(stage: Actors, expect: Expect) -> None:
    for env in ("staging", "prod"):
        await stage.hear(kind="plan", env=env, status="planned")
    await stage.comment("dev", "/apply staging")
    said = await stage.hear(kind="apply", env="staging", status="applied")
    expect("**Verified**" in said.body, "staging was not verified after its apply")


async def _refused(stage: Actors, expect: Expect, page: Page) -> None:
    await stage.comment("dev", "/gates prod")
    gates = await stage.hear(kind="gates")
    expect("- ✅ **promoted**: " in gates.body, "what was verified in staging does not open prod")
    expect("- ⏳ **codeowners**: " in gates.body, "prod is open without its owner")
    await stage.comment("dev", "/apply prod")
    await stage.hear(kind="refusal", env="prod", reason="codeowners")
    expect(FIRST not in await page("prod/"), "prod was applied without an approval")


async def _void(stage: Actors, expect: Expect) -> None:
    await stage.approve("owner")
    head = await stage.push_module(_SECOND)
    for env in ("staging", "prod"):
        await stage.hear(kind="plan", env=env, status="planned", head=head)
    await stage.comment("dev", "/apply prod")
    refusal = await stage.hear(kind="refusal", env="prod", reason="codeowners")
    expect("promoted" in refusal.header.get("reasons", ()), "prod is open for what was never in staging")


async def _applied(stage: Actors, expect: Expect, page: Page) -> None:
    await stage.comment("dev", "/apply staging")
    await stage.hear(kind="apply", env="staging", status="applied")
    await stage.approve("owner")
    await stage.comment("dev", "/apply prod")
    await stage.hear(kind="apply", env="prod", status="applied")
    expect(_SECOND in await page("prod/"), "the page of prod does not show the new headline")

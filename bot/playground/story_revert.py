"""The demo of `/revert`: planned, applied by plan id, verified, and frozen."""

from __future__ import annotations

from bot.playground import story_prod
from bot.playground.story_prod import Actors, Expect, Page


async def go_back(stage: Actors, expect: Expect, page: Page) -> None:
    """Play this part on the merged pull request that went to prod."""
    await stage.comment("dev", "/revert staging")
    planned = await stage.hear(kind="plan", env="staging", status="planned")
    expect("What it cannot undo" in planned.body, "the plan of the revert does not say what stays")
    await stage.comment("dev", "/apply staging")
    await stage.hear(kind="refusal", env="staging", reason="ambiguous_plan")
    await stage.comment("dev", f"/apply staging {planned.header['plan']}")
    said = await stage.hear(kind="revert", env="staging", status="applied")
    expect("nothing left to do" in said.body, "planned again after the revert, something was left")
    expect("on hold" in said.body, "staging is not on hold after its revert")
    expect("or until pull request #" in said.body, "no pull request takes the change out of the base")
    expect(story_prod.FIRST in await page("staging/"), "the page of staging does not show the old headline")

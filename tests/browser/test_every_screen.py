"""Each page, wide and narrow, light and dark: readable, operable, and checked by axe-core."""

from __future__ import annotations

from tests.browser.conftest import Arrive
from tests.browser.visitor import DESKTOP, PHONE
from tests.e2e.world import DEV, World

_LONG = "word" * 110


async def test_pages_fit_every_screen_and_axe_finds_nothing(world: World, arrive: Arrive) -> None:
    number, plan = await world.open_planned(f"{_LONG} <b>bold</b>")
    await world.applied(number)
    await world.told(number)
    applied = world.runs(kind="apply")[0]["id"]
    paths = ("/", "/runs", "/environments", f"/runs/{plan.header['run']}", f"/runs/{applied}", "/nothing")
    backgrounds, problems = {}, []

    for scheme, size in (("light", DESKTOP), ("dark", PHONE)):
        dev = await arrive(size=size, color_scheme=scheme)
        await dev.log_in(DEV, "/runs")
        for path in paths:
            await dev.open(path)
            where = f"{path} {scheme} {size[0]}"
            problems += [f"{where}: {found}" for found in await dev.accessibility()]
            problems += [f"{where}: scrolls sideways"] if await dev.is_too_wide() else []
        backgrounds[scheme] = await dev.page.evaluate("getComputedStyle(document.body).backgroundColor")
        dev.forgive("404")

    assert problems == []
    assert backgrounds == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}

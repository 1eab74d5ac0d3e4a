"""Writes `docs/screenshots`: a run and the list of runs, light, dark and on a phone. `make screenshots` runs it."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from playwright.async_api import Browser

from bot.playground.seed import REPO, seed
from bot.playground.stack import Playground
from bot.playground.story import change_message
from bot.playground.watch import Watch
from tests.browser.visitor import PHONE, Visitor, chromium

_WHERE: Final = Path(__file__).parents[2] / "docs" / "screenshots"
_STAGING: Final = "envs/staging.tfvars"
_DESKTOP: Final = (1000, 720)


async def main() -> int:
    """Play a change up to its apply and take the pictures; returns the exit code."""
    executable = shutil.which("chromium")
    if executable is None:
        print("Chromium is not installed (on Debian: apt-get install chromium).")  # noqa: T201 - for people
        return 1
    with tempfile.TemporaryDirectory() as directory:
        playground = Playground(directory=Path(directory))
        try:
            await playground.start()
            await seed(playground)
            run = await _applied(playground)
            async with chromium(executable) as browser:
                await _shoot(browser, playground, run)
        finally:
            await playground.stop()
    return 0


async def _applied(playground: Playground) -> str:
    github = playground.github
    text = await github.read(REPO, "main", _STAGING) or ""
    files = {_STAGING: change_message(text, "Hello from a pull request")}
    pull = await github.open_pull(REPO, author="dev", branch="greeting", title="Greet people", files=files)
    watch = Watch(github=github, repo=REPO, number=pull.number)
    await watch.hear({"kind": "plan", "env": "staging", "status": "planned"})
    await asyncio.sleep(1.1)  # GitHub's times are whole seconds: the command must be later than the plan.
    await github.comment(REPO, pull.number, author="dev", body="/apply staging")
    heard = await watch.hear({"kind": "apply", "env": "staging", "status": "applied"})
    return str(heard.header["run"])


async def _shoot(browser: Browser, playground: Playground, run: str) -> None:
    _WHERE.mkdir(parents=True, exist_ok=True)
    for name, size, scheme in (
        ("light", _DESKTOP, "light"),
        ("dark", _DESKTOP, "dark"),
        ("phone", PHONE, "light"),
    ):
        visitor = await Visitor.arrive(browser, playground, size=size, color_scheme=scheme)
        await visitor.log_in("dev", "/runs")
        for page, path in (("runs", "/runs"), ("run", f"/runs/{run}")):
            await visitor.open(path)
            await visitor.page.screenshot(path=_WHERE / f"{page}-{name}.png")
        await visitor.leave()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

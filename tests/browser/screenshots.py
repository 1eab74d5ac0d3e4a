"""Write `docs/screenshots`: a plan comment, a run and the list of runs; `make screenshots` runs it."""

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
_BRANCH: Final = "greeting"
_STAGING: Final = "envs/staging.tfvars"
_DESKTOP: Final = (1000, 720)
_WIDE: Final = (1280, 900)


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
            watch = await _opened(playground)
            run = await _applied(playground, watch)
            comment = await _planned(playground, watch)
            async with chromium(executable) as browser:
                await _shoot(browser, playground, run)
                await _shoot_comment(browser, playground, watch, comment)
        finally:
            await playground.stop()
    return 0


async def _opened(playground: Playground) -> Watch:
    github = playground.github
    text = await github.read(REPO, "main", _STAGING) or ""
    files = {_STAGING: change_message(text, "Hello from a pull request")}
    pull = await github.open_pull(REPO, author="dev", branch=_BRANCH, title="Greet people", files=files)
    return Watch(github=github, repo=REPO, number=pull.number)


async def _applied(playground: Playground, watch: Watch) -> str:
    """Apply the first plan; returns the run's id."""
    await watch.hear({"kind": "plan", "env": "staging", "status": "planned"})
    await asyncio.sleep(1.1)  # GitHub's times are whole seconds: the command must be later than the plan.
    await playground.github.comment(REPO, watch.number, author="dev", body="/apply staging")
    heard = await watch.hear({"kind": "apply", "env": "staging", "status": "applied"})
    return str(heard.header["run"])


async def _planned(playground: Playground, watch: Watch) -> int:
    """Push a change that destroys something; returns the id of its plan comment."""
    text = await playground.github.read(REPO, _BRANCH, _STAGING) or ""
    smaller = change_message(text, "Hello again").replace(
        'features       = ["search"]', "features       = []"
    )
    head = await playground.github.push(REPO, _BRANCH, {_STAGING: smaller}, author="dev")
    heard = await watch.hear({"kind": "plan", "env": "staging", "status": "planned", "head": head})
    return heard.id


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


async def _shoot_comment(browser: Browser, playground: Playground, watch: Watch, comment: int) -> None:
    address = f"{playground.github.url}/{REPO}/pull/{watch.number}"
    for scheme in ("light", "dark"):
        visitor = await Visitor.arrive(browser, playground, size=_WIDE, color_scheme=scheme)
        await visitor.open(address)
        article = visitor.page.locator(f"article[id$='-{comment}']")
        await article.screenshot(path=_WHERE / f"plan-{scheme}.png")
        await visitor.leave()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

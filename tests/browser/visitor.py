"""Somebody at a real browser; everything that the browser complains about is kept."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright

from bot.playground.stack import Playground

DESKTOP, PHONE = (1100, 800), (360, 740)
PATIENCE = 30_000
"""Milliseconds after which something that should appear has not."""
_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
"""Chromium's own sandbox needs more rights than a test machine gives; it visits only our own pages."""
_WATCH_POLICY = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI}`);
});
"""


@asynccontextmanager
async def chromium(executable: str) -> AsyncIterator[Browser]:
    """Run the system's Chromium; the driver's own is never downloaded."""
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=executable, args=list(_ARGUMENTS))
        yield browser
        await browser.close()


@dataclass(kw_only=True)
class Visitor:
    """One person with one browser profile."""

    playground: Playground
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    """Requests to a host that is not ours."""

    @classmethod
    async def arrive(cls, browser: Browser, playground: Playground, **options: Any) -> Visitor:
        """Open an empty browser; `options` are those of a browser context."""
        width, height = options.pop("size", DESKTOP)
        context = await browser.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(PATIENCE)
        visitor = cls(playground=playground, context=context, page=await context.new_page())
        if options.get("java_script_enabled", True):
            await context.add_init_script(_WATCH_POLICY)
        visitor.page.on("console", visitor._heard)
        visitor.page.on("pageerror", lambda error: visitor.complaints.append(f"script failed: {error}"))
        context.on("request", visitor._asked)
        return visitor

    async def open(self, path: str) -> int:
        """Open a page of the bot, or a whole address; returns the status."""
        address = path if "://" in path else f"{self.playground.bot.url}{path}"
        answer = await self.page.goto(address)
        return 0 if answer is None else answer.status

    async def log_in(self, login: str, path: str = "/runs") -> None:
        """Open a page as a stranger, log in on GitHub's page, and come back to it."""
        await self.open(path)
        await self.page.get_by_role("button", name=re.compile(rf"^Log in as {login}\b")).click()
        await self.page.wait_for_url(f"{self.playground.bot.url}{path}")

    async def text(self, selector: str = "main") -> str:
        """Return what can be read in a part of the page."""
        return await self.page.inner_text(selector)

    async def reads(self, words: str, selector: str = "main") -> None:
        """Wait until words can be read."""
        await self.page.locator(selector).filter(has_text=words).first.wait_for()

    async def is_too_wide(self) -> bool:
        """Whether the page can be scrolled sideways."""
        return bool(
            await self.page.evaluate(
                "document.documentElement.scrollWidth > document.documentElement.clientWidth"
            )
        )

    async def accessibility(self) -> list[str]:
        """Return what axe-core finds wrong: rule and elements."""
        found = (await Axe().run(self.page)).response["violations"]
        return [f"{rule['id']}: {[node['target'] for node in rule['nodes']]}" for rule in found]

    def forgive(self, pattern: str) -> None:
        """Drop complaints that the test expects."""
        assert any(re.search(pattern, complaint) for complaint in self.complaints)
        self.complaints = [each for each in self.complaints if not re.search(pattern, each)]

    async def leave(self) -> None:
        """Close the browser; nothing may be left to complain about."""
        await self.context.close()
        assert self.complaints == []
        assert self.foreign == []

    def _heard(self, message: ConsoleMessage) -> None:
        # The sites are what the module of a test writes; they are none of our pages.
        is_ours = not str(message.location.get("url", "")).startswith(self.playground.sites.url)
        if is_ours and message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "about"} and parts.hostname != "127.0.0.1":
            self.foreign.append(request.url)

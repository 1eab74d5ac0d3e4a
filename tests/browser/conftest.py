"""The pages in a real Chromium, before the real bot, the stand-in GitHub and real Terraform."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from bot.playground.stack import Playground
from tests.browser.visitor import Visitor, chromium

_HERE = Path(__file__).parent
CHROMIUM = shutil.which("chromium")
Arrive = Callable[..., Awaitable[Visitor]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run every test in one process, if there is a browser."""
    for item in items:
        if item.path.is_relative_to(_HERE) and isinstance(item, pytest.Function):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))
            if CHROMIUM is None:
                reason = "Chromium is not installed (on Debian: apt-get install chromium)"
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    assert CHROMIUM is not None
    async with chromium(CHROMIUM) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def arrive(browser: Browser, playground: Playground) -> AsyncIterator[Arrive]:
    """Give people with empty browsers; at the end no browser may have complained or asked another host."""
    visitors: list[Visitor] = []

    async def come(**options: Any) -> Visitor:
        visitors.append(await Visitor.arrive(browser, playground, **options))
        return visitors[-1]

    yield come
    for visitor in visitors:
        await visitor.leave()

"""The playground that all end-to-end tests share.

One per test process, because each costs seconds to start, and its bot costs some of a core for as long as it lives.
Tests that kill the bot, or need another one, have playgrounds of their own (`tests/e2e/crash`, `tests/e2e/environments`).
"""

from __future__ import annotations

import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.playground.stack import Playground
from tests.e2e.world import SETTINGS, World, fresh_world, running

_HERE = Path(__file__).parent
_LONG = {"browser", "chaos", "e2e", "soak", "stalls"}
_IN_ONE_PROCESS = (
    "e2e/drift",
    "e2e/environments",
    "e2e/local",
    "e2e/plan_inputs",
    "integration/object_store",
)
"""Directories whose tests share servers of their own, which would be started once more in each other process."""
_OF_PROCESSES = (_LONG - {"soak"}) | {"integration"}
"""Directories whose tests wait for other processes, and are tried a second time: a busy machine may be too slow for one.

The first failure of each is printed at the end: it is a fault of the test or of the program, to be looked into.
"""


def pytest_configure() -> None:
    """Hear interrupts, even in the background of a shell: what ignores them hands that on to all it starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run tests where what they share lives: on one loop, in one process; the long ones first."""
    for item in items:
        if isinstance(item, pytest.Function) and "playground" in item.fixturenames:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
        for directory in _IN_ONE_PROCESS:
            if item.path.is_relative_to(_HERE / directory):
                item.add_marker(pytest.mark.xdist_group(directory))
        if item.path.relative_to(_HERE).parts[0] in _OF_PROCESSES:
            item.add_marker(pytest.mark.flaky(reruns=1))
    # No process is left with a long test when the others have no more; each folder stays in its random order.
    items.sort(key=_brevity)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the first failure of every test that passed when it was tried again."""
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"failed once: {report.nodeid}")
        terminalreporter.write_line(report.longreprtext)


def _brevity(item: pytest.Item) -> tuple[int, str]:
    top = item.path.relative_to(_HERE).parts[0]
    rank = 0 if top in _LONG else 1 if top == "integration" else 2
    return rank, next((each for each in _IN_ONE_PROCESS if item.path.is_relative_to(_HERE / each)), "")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def playground(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Playground]:
    async with running(Playground(directory=tmp_path_factory.mktemp("world"), extra=SETTINGS)) as playground:
        yield playground


@pytest_asyncio.fixture(loop_scope="session")
async def world(playground: Playground, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Give a fresh repository; at the end nothing may be unread, left over or crashed."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[-60:]
    async with fresh_world(playground, name) as world:
        yield world

"""A playground of one's own per test, because these tests kill its bot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.playground.seed import REPO, seed
from bot.playground.stack import Playground
from bot.playground.watch import Watch
from tests.e2e.world import with_lasting_test


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[Playground]:
    playground = Playground(directory=tmp_path)
    await playground.start()
    await seed(playground)
    policy = with_lasting_test(await playground.github.read(REPO, "main", "gatewright.yaml") or "")
    await playground.github.push(REPO, "main", {"gatewright.yaml": policy}, author="admin")
    yield playground
    await playground.stop()
    assert playground.github.violations == []
    assert playground.github.crashes == []


def watch(playground: Playground, number: int) -> Watch:
    return Watch(github=playground.github, repo=REPO, number=number, patience=60)

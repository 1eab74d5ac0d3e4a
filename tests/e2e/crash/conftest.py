"""A playground of one's own per test, because these tests kill its bot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.playground.seed import REPO, seed
from bot.playground.stack import Playground
from bot.playground.watch import Watch

_POLICY = """
version: 1
terraform: {{engine: terraform, version: "{version}"}}
merge_requires: [staging]
environments:
  staging:
    state_key: staging/terraform.tfstate
    var_file: envs/staging.tfvars
    autoplan: true
    apply: {{allow: write}}
"""
"""Staging alone, so that nothing else happens at the moment of a kill."""


@pytest.fixture
def settings() -> dict[str, str]:
    """Further settings of the bot, for a module of tests to choose."""
    return {}


@pytest.fixture
async def own(tmp_path: Path, settings: dict[str, str]) -> AsyncIterator[Playground]:
    playground = Playground(directory=tmp_path, extra=settings)
    try:
        await playground.start()
        await seed(playground)
        policy = _POLICY.format(version=playground.engine.version)
        await playground.github.push(REPO, "main", {"gatewright.yaml": policy}, author="admin")
        yield playground
    finally:
        await playground.stop(keep=False)
    assert playground.github.violations == []
    assert playground.github.crashes == []


def watch(playground: Playground, number: int) -> Watch:
    return Watch(github=playground.github, repo=REPO, number=number, patience=60)

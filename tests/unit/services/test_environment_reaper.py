"""Looking after what is held, without asking GitHub for what is known."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

from bot.domain.core.model import StateKey
from bot.ports import GitHub, Records
from bot.services.environments.reaper import EnvironmentReaper
from bot.services.stacks.policies import Policies
from tests.fakes.clock import HandClock
from tests.fakes.github.counting import LATER, CountingGitHub
from tests.fakes.records import builders


@dataclass(slots=True)
class HeldRecords:
    """Records in which staging is held by many pull requests' repositories, and nobody waits."""

    held: int

    @asynccontextmanager
    async def read(self) -> AsyncIterator[HeldRecords]:
        yield self

    @asynccontextmanager
    async def write(self) -> AsyncIterator[HeldRecords]:
        yield self

    async def record_policy(self, *_: Any) -> None:
        return

    async def all_locks(self) -> list[Any]:
        keys = (StateKey(f"staging/{number}.tfstate") for number in range(self.held))
        return [builders.lock(stack=replace(builders.stack(), state_key=key)) for key in keys]

    async def waiting(self) -> list[Any]:
        return []


async def test_held_environments_at_rest_cost_nothing_of_githubs_limit() -> None:
    github, records = CountingGitHub(), cast("Records", HeldRecords(held=50))
    policies = Policies(github=cast("GitHub", github), records=records, clock=HandClock(LATER))
    environment_reaper = EnvironmentReaper(
        records=records,
        github=cast("GitHub", github),
        policies=policies,
        poster=cast("Any", None),
        leases=cast("Any", None),
        ephemeral=cast("Any", None),
        clock=HandClock(LATER),
        serves=lambda _: True,
        retry_after=timedelta(minutes=1),
    )
    await environment_reaper.check_all()
    first = len(github.asked)

    for _ in range(10):
        await environment_reaper.check_all()

    assert first <= 3
    assert len(github.asked) == first

"""Looking after what is held, without asking GitHub for what is known."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from bot.domain.model import Repo, Sha, StateKey
from bot.playground.seed import files
from bot.ports import GitHub, Records
from bot.services.caretaking import Caretaking
from bot.services.policies import Policies
from tests.fakes import builders


@dataclass(slots=True)
class CountingGitHub:
    """A GitHub with the project's own policy, which remembers what it was asked."""

    asked: list[str] = field(default_factory=list)

    async def repository(self, full_name: str) -> Repo:
        self.asked.append(f"repository {full_name}")
        owner, _, name = full_name.partition("/")
        return Repo(owner=owner, name=name, installation_id=1)

    async def branch_head(self, repo: Repo, branch: str) -> Sha:
        self.asked.append(f"head {repo.full_name} {branch}")
        return Sha("a" * 40)

    async def file(self, repo: Repo, path: str, commit: Sha) -> str | None:
        self.asked.append(f"file {repo.full_name} {path} {commit[:1]}")
        return files("1.11.4")["gatewright.yaml"]


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


class Noon:
    def now(self) -> datetime:
        return datetime(2026, 3, 10, 12, tzinfo=UTC)


async def test_held_environments_at_rest_cost_nothing_of_githubs_limit() -> None:
    github, records = CountingGitHub(), cast("Records", HeldRecords(held=50))
    policies = Policies(github=cast("GitHub", github), records=records, clock=Noon())
    caretaking = Caretaking(
        records=records,
        github=cast("GitHub", github),
        policies=policies,
        poster=cast("Any", None),
        tenancy=cast("Any", None),
        ephemeral=cast("Any", None),
        clock=Noon(),
        serves=lambda _: True,
        retry_after=timedelta(minutes=1),
    )
    await caretaking.look_after()
    first = len(github.asked)

    for _ in range(10):
        await caretaking.look_after()

    assert first <= 3
    assert len(github.asked) == first

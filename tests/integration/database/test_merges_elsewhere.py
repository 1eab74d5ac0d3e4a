"""A merge counts where people have agreed what is merged: into a branch that the policy serves, and into no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from bot.adapters.database import Database
from bot.domain.errors import WorkspaceError
from bot.domain.model import PullRequest, Repo, RunId, Stack
from bot.events import Payload
from bot.policy import load_policy
from bot.services.policies import FoundPolicy, LoadedPolicy
from bot.services.requesting import Requesting
from handlers import on_pull_request
from tests.fakes import builders
from tests.integration.database.builders import HEAD, REPO, STAGING, a_delivery, a_lock, a_plan, a_run
from tests.integration.database.test_base_moves import POLICY
from tests.integration.database.test_losses import Noon
from tests.integration.database.test_revert_holds import OPENED, reverted
from tests.integration.database.test_reverts import REPOSITORY


@dataclass
class World:
    """A bot to which GitHub says that a pull request was merged, and everything that it then says itself."""

    records: Database
    pull: PullRequest
    clock: Noon = field(default_factory=Noon)
    login: str = "gatewright[bot]"
    said: list[str] = field(default_factory=list)

    @property
    def requesting(self) -> Requesting:
        return Requesting(records=self.records, clock=self.clock)

    @property
    def github(self) -> Any:
        return self

    policies = poster = tenancy = waiting = syncing = closeouts = plan_comments = trees = github

    async def subject(self, *_: object) -> tuple[Repo, PullRequest]:
        return REPOSITORY, self.pull

    async def load(self, _: object) -> LoadedPolicy:
        return LoadedPolicy(policy=load_policy(POLICY + "branches: [release]\n"), commit=HEAD)

    async def look(self, _: object) -> FoundPolicy:
        text = POLICY + "branches: [release]\n"
        return FoundPolicy(commit=HEAD, text=text, policy=load_policy(text))

    async def leave(self, *_: object, **__: object) -> Sequence[Stack]:
        return ()

    async def once(self, _repo: object, _number: object, _key: object, body: str) -> None:
        self.said.append(body)

    async def request(self, _wish: object, stacks: Sequence[Stack], _applied: object) -> int:
        return len(stacks)

    async def merged(self, *_: object, **__: object) -> Any:
        raise WorkspaceError("there is no repository here")

    async def nothing(self, *_: object, **__: object) -> None:
        """Nobody waits, and no comment is to be written."""

    freed = post = refresh_environment = nothing

    async def close(self) -> None:
        delivery = a_delivery(action="closed", event="pull_request", pull=self.pull.number)
        await on_pull_request.handle_closed(delivery, Payload(), cast("Any", self))


def closed(number: int, **changes: Any) -> PullRequest:
    return builders.pull(number=number, state="closed", merged=True, **changes)


async def test_what_a_pull_request_has_applied_stays_held_where_it_is_merged_into_an_unserved_branch(
    records: Database,
) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run("run-1"), builders.NOON)
        await writer.add_plan(a_plan("p3333333", run_id=RunId("run-1")))
        await writer.take_lock(a_lock(7))
    world = World(records, closed(7, base_ref="my-own-branch"))

    await world.close()

    async with records.read() as reader:
        assert await reader.lock(STAGING) is not None
    assert "Merged into `my-own-branch`, which is not served" in world.said[0]
    assert "/unlock staging" in world.said[0]


@pytest.mark.parametrize(("base", "holds"), [("main", 0), ("release", 1), ("my-own-branch", 1)])
async def test_a_revert_is_completed_by_a_merge_into_the_default_branch_alone(
    records: Database, base: str, holds: int
) -> None:
    await reverted(records)

    await World(records, closed(OPENED, base_ref=base)).close()

    async with records.read() as reader:
        assert len(await reader.holds(repo=REPO, env=STAGING.env)) == holds

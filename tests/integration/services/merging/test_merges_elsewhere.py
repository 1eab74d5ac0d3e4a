"""A merge counts where people have agreed what is merged: into a branch that the policy serves, and into no other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.adapters.database import Database
from bot.domain.core.errors import CommitMissingError, EarlierMergeError, GitHubLagError, WorkspaceError
from bot.domain.core.heads import LAG
from bot.domain.core.model import PullRequest, Repo, RunId, Sha, Stack
from bot.events import Payload, payload_of
from bot.policy import load_policy
from bot.ports import Delivery, Merge
from bot.services.runs.requests import RunRequests, Trigger
from bot.services.stacks.policies import FoundPolicy, LoadedPolicy
from bot.services.stacks.touched import MergedTree
from handlers.events import closed_pull_requests
from tests.fakes.accounts import account
from tests.fakes.clock import HandClock
from tests.fakes.records import builders
from tests.fakes.records.rows import HEAD, NOW, REPO, STAGING, a_delivery, a_lock, a_plan, a_run
from tests.integration.services.scene import OPENED, POLICY, REPOSITORY, reverted


@dataclass
class World:
    """A bot to which GitHub says that a pull request was merged, and everything that it then says itself."""

    records: Database
    pull: PullRequest
    clock: HandClock = field(default_factory=HandClock)
    login: str = "gatewright[bot]"
    said: list[str] = field(default_factory=list)
    triggers: list[Trigger] = field(default_factory=list)
    tip_holds_it: bool = True
    head_is_served: bool = True

    @property
    def run_requests(self) -> RunRequests:
        return RunRequests(records=self.records, clock=self.clock)

    @property
    def github(self) -> Any:
        return self

    policies = poster = leases = waiting = syncing = closeouts = plan_comments = trees = github

    async def subject(self, *_: object) -> tuple[Repo, PullRequest]:
        return REPOSITORY, self.pull

    async def load(self, _: object) -> LoadedPolicy:
        return LoadedPolicy(policy=load_policy(POLICY + "branches: [release]\n"), commit=HEAD)

    async def look(self, _: object) -> FoundPolicy:
        text = POLICY + "branches: [release]\n"
        return FoundPolicy(commit=HEAD, text=text, policy=load_policy(text))

    async def leave(self, *_: object, **__: object) -> Sequence[Stack]:
        return ()

    async def once(self, _repo: object, _number: object, _key: object, body: str, **_options: object) -> None:
        self.said.append(body)

    async def request(self, trigger: Trigger, stacks: Sequence[Stack], _applied: object) -> int:
        self.triggers.append(trigger)
        return len(stacks)

    async def merged(self, *_: object, **__: object) -> Any:
        if self.pull.merge_commit is None:
            raise WorkspaceError("there is no repository here")
        if not self.head_is_served:
            raise CommitMissingError("not our ref")
        merge = Merge(tree="t" * 40, merge_base=HEAD, changed_files=())
        return MergedTree(merge=merge, files={}, module_calls={})

    async def contains(self, *_: object, **__: object) -> bool:
        return self.tip_holds_it

    async def nothing(self, *_: object, **__: object) -> None:
        """Nobody waits, and no comment is to be written."""

    freed = post = refresh_environment = nothing

    async def close(self, payload: Payload | None = None, *, delivery: Delivery | None = None) -> None:
        delivery = delivery or a_delivery(action="closed", event="pull_request", pull=self.pull.number)
        await closed_pull_requests.handle(delivery, payload or Payload(), cast("Any", self))


def closed(number: int, **changes: Any) -> PullRequest:
    return builders.pull(number=number, state="closed", merged=True, **changes)


async def test_applied_stacks_stay_locked_after_merges_into_unserved_branches(
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
async def test_revert_is_completed_by_merge_into_the_default_branch_alone(
    records: Database, base: str, holds: int
) -> None:
    await reverted(records)

    await World(records, closed(OPENED, base_ref=base)).close()

    async with records.read() as reader:
        assert len(await reader.holds(repo=REPO, env=STAGING.env)) == holds


def told(*, sender: str | None, merged: bool = True) -> Payload:
    """Return the payload of a `closed` event, as far as it is read."""
    tip = {"ref": "change", "sha": "a" * 40, "repo": None}
    pull = {"number": 7, "title": "t", "state": "closed", "user": None, "merged": merged}
    body = {"action": "closed", "pull_request": {**pull, "head": tip, "base": tip}}
    account = None if sender is None else {"login": sender, "id": 1, "type": "Bot"}
    return payload_of("pull_request", json.dumps({**body, "sender": account}).encode())


@pytest.mark.parametrize(
    ("named", "sender", "expected"),
    [
        pytest.param(
            "github-merge-queue[bot]", "github-merge-queue[bot]", "github-merge-queue[bot]", id="queue"
        ),
        pytest.param("mergify[bot]", None, "mergify[bot]", id="a delivery that was found missing"),
        pytest.param(None, "bulldozer[bot]", "bulldozer[bot]", id="GitHub names no merger"),
        pytest.param(None, None, "ghost", id="the merger is deleted"),
    ],
)
async def test_the_account_that_github_names_is_recorded_as_the_merger(
    records: Database, named: str | None, sender: str | None, expected: str
) -> None:
    await reverted(records)
    world = World(records, closed(OPENED, merged_by=account(named) if named else None))

    await world.close(told(sender=sender))

    assert [trigger.actor.login for trigger in world.triggers] == [expected]


async def test_an_answer_from_before_the_merge_is_asked_for_again(records: Database) -> None:
    world = World(records, builders.pull(number=7, state="open", merged=False))
    # What is merged is never open again, however late its delivery is; what was only closed may have been reopened.
    late = a_delivery(action="closed", event="pull_request", received_at=NOW - 2 * LAG)

    with pytest.raises(GitHubLagError) as raised:
        await world.close(told(sender="dev"), delivery=late)
    await world.close(told(sender="dev", merged=False), delivery=late)

    assert raised.value.temporary
    assert world.triggers == []


async def test_a_merge_is_handled_under_the_policy_that_it_brings(records: Database) -> None:
    just_now = {"merge_commit": Sha("1" * 40), "merged_at": HandClock().now()}
    world = World(records, closed(7, **just_now), tip_holds_it=False)

    with pytest.raises(GitHubLagError):
        await world.close(told(sender="dev"))
    world.tip_holds_it = True
    await world.close(told(sender="dev"))

    assert [trigger.pull.head_sha for trigger in world.triggers] == ["1" * 40]


async def test_a_merge_waits_for_commits_that_are_not_served_yet(records: Database) -> None:
    # Given a merge whose commits git does not get yet,
    now = HandClock().now()
    merged = a_delivery("mine", event="pull_request", action="closed", pull=7)
    world = World(records, closed(7, merge_commit=Sha("1" * 40), merged_at=now), head_is_served=False)
    # when it was just delivered, then it is tried again, since what it touched is not known,
    with pytest.raises(CommitMissingError):
        await world.close(delivery=replace(merged, received_at=now))
    assert world.triggers == []
    # and when they stay missing, then what was planned is compared with the base.
    await world.close(delivery=replace(merged, received_at=now - LAG))
    assert len(world.triggers) == 1


@pytest.mark.parametrize(
    ("earlier", "waits"),
    [
        pytest.param({}, True, id="a merge just before"),
        pytest.param({"action": "opened"}, False, id="another event"),
        pytest.param({"repo": "acme/other"}, False, id="of another repository"),
        pytest.param(
            {"received_at": HandClock().now() - timedelta(minutes=2)}, False, id="one that takes long"
        ),
    ],
)
async def test_a_merge_is_handled_after_those_delivered_before_it(
    records: Database, earlier: dict[str, Any], *, waits: bool
) -> None:
    await reverted(records)
    mine = a_delivery("mine", event="pull_request", action="closed", pull=OPENED)
    before = replace(a_delivery("before", event="pull_request", action="closed", pull=6), **earlier)
    later = a_delivery("later", event="pull_request", action="closed", pull=5)
    async with records.write() as writer:
        for each in (before, mine, later):
            await writer.add_delivery(each)
    world = World(records, closed(OPENED))

    if waits:
        with pytest.raises(EarlierMergeError) as raised:
            await world.close(delivery=mine)
        assert raised.value.temporary
        async with records.write() as writer:
            await writer.finish_delivery(before.id, "handled", "done")
    await world.close(delivery=mine)

    assert len(world.triggers) == 1

"""What an owner's approval is worth beside a plan of `/import`, as it is judged from the records, on both databases.

It is strict on purpose: whoever approves says yes to what the newest plan does, and an operation on the state is what
people have least in mind when they read code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.adapters.database import Database
from bot.domain.core.accounts import Account, Login
from bot.domain.core.model import (
    OperationKind,
    Permission,
    PlanStatus,
    PullRequest,
    Repo,
    Sha,
    StateOperation,
)
from bot.domain.gates.approvals import Review
from bot.domain.gates.pushes import NO_COMMIT, Lineage, Push
from bot.domain.plans.change_digest import change_digest
from bot.domain.plans.plan import PlanRecord
from bot.policy import load_policy
from bot.ports import Collaborator, GitHub
from bot.ports.pushers import ActivityPage
from bot.services.access.code_owners import Ownership
from bot.services.access.pushes import PushRecords
from bot.services.stacks.policies import LoadedPolicy
from bot.services.stacks.touched import Trees
from tests.fakes.accounts import account
from tests.fakes.clock import HandClock
from tests.fakes.records import builders
from tests.fakes.records.rows import HEAD, NOW, a_plan, a_run
from tests.integration.conftest import Inspector
from tests.integration.services.scene import REPOSITORY

POLICY = Path(__file__).parents[4] / "gatewright.yaml"
IMPORT = StateOperation(kind=OperationKind.IMPORT, address="terraform_data.more", object_id="more-1")


def digest(*actions: str, importing: dict[str, str] | None = None) -> str:
    """Return the digest of a plan of the one resource that code and import are both about."""
    change: dict[str, Any] = {"actions": list(actions), "before": None, "after": {"input": "kept"}}
    if importing is not None:
        change |= {"importing": importing}
    resource = {"address": IMPORT.address, "change": change}
    return change_digest(resources=[resource], outputs={}, drift=[], arguments=())


PULL = builders.pull(head_sha=HEAD, head_repo=REPOSITORY.full_name)
PUSH = Push(
    ref=f"refs/heads/{PULL.head_ref}",
    before=NO_COMMIT,
    after=HEAD,
    sender=account("dev"),
    at=NOW.replace(microsecond=0) - timedelta(minutes=1),
)
CREATES = digest("create")
IMPORTS = digest("no-op", importing={"id": "more-1"})


@dataclass
class Reviewed:
    """A pull request of `dev`, in a repository that `owner` owns, and the approvals that it got."""

    records: Database
    given: list[Review] = field(default_factory=list)

    async def reviews(self, repo: Repo, number: int) -> Sequence[Review]:
        del repo, number
        return self.given

    async def committers(self, repo: Repo, number: int) -> Mapping[Sha, frozenset[Account]]:
        del repo, number
        return {HEAD: frozenset({account("dev")})}

    async def own_login(self) -> Login:
        return Login("gatewright[bot]")

    async def activity(self, repo: Repo, ref: str, *, cursor: str | None = None) -> ActivityPage:
        del repo, ref, cursor
        return ActivityPage(pushes=[PUSH], cursor=None)

    async def lineage(self, repo: Repo, *, base: Sha, head: Sha, heads: Sequence[Sha]) -> Lineage:
        del repo, heads
        return Lineage(head=head, parents={head: (base,)}, clean_merges={})

    async def file(self, repo: Repo, path: str, commit: Sha) -> str | None:
        del repo, commit
        return "* @owner\n" if path == ".github/CODEOWNERS" else None

    async def collaborator(self, repo: Repo, login: Login) -> Collaborator | None:
        who = account(login)
        return Collaborator(account=who, permission=await self.permission(repo, who))

    async def permission(self, repo: Repo, account: Account) -> Permission:
        del repo
        return Permission.WRITE if account.login in {"owner", "dev"} else Permission.NONE

    async def merged(self, repo: Repo, pull: PullRequest, *, base: Sha, head: Sha) -> Any:
        del repo, pull, base, head
        return SimpleNamespace(merge=SimpleNamespace(changed_files=("terraform/more.tf",)))

    def approve(self, minute: int) -> None:
        review = Review(
            id=minute, user=account("owner"), state="APPROVED", commit_id=HEAD, submitted_at=at(minute)
        )
        self.given.append(review)

    async def pushed(self) -> None:
        async with self.records.write() as writer:
            await writer.add_push(REPOSITORY.full_name, PUSH, source="push")

    async def plan(self, name: str, minute: int, **changes: Any) -> PlanRecord:
        """Record a plan that was posted that many minutes after noon."""
        run = a_run(f"run-{name}", operation=changes.get("operation"))
        plan = a_plan(name, run_id=run.id, arguments=(), created_at=at(minute), **changes)
        async with self.records.write() as writer:
            await writer.add_run(run, at(minute))
            await writer.add_plan(plan)
            await writer.mark_posted(plan.id, at(minute))
        return plan

    async def is_approved(self, plan: PlanRecord) -> bool:
        github = cast("GitHub", self)
        pushes = PushRecords(records=self.records, github=github, history=self, clock=HandClock())
        ownership = Ownership(github=github, records=self.records, trees=cast("Trees", self), pushes=pushes)
        async with self.records.read() as reader:
            recorded = await reader.plan(plan.id)
        assert recorded is not None
        loaded = LoadedPolicy(policy=load_policy(POLICY.read_text()), commit=HEAD)
        verdict = await ownership.verdict(REPOSITORY, PULL, recorded, loaded=loaded)
        return not verdict.missing and not verdict.unknown_heads


def at(minute: int) -> datetime:
    return NOW.replace(microsecond=0) + timedelta(minutes=minute)


@pytest.fixture
async def reviewed(records: Database) -> Reviewed:
    made = Reviewed(records)
    await made.pushed()
    return made


async def test_import_needs_its_own_approval_and_resets_that_of_code(reviewed: Reviewed) -> None:
    # Given a plan of the code that its owner has approved,
    code = await reviewed.plan("p2222222", 0, change_digest=CREATES)
    assert not await reviewed.is_approved(code)
    reviewed.approve(1)
    assert await reviewed.is_approved(code)
    # when an import is planned beside it, then nothing is approved any more, neither the import nor the code.
    operation = await reviewed.plan("p3333333", 2, change_digest=IMPORTS, operation=IMPORT)
    assert not await reviewed.is_approved(operation)
    assert not await reviewed.is_approved(code)
    # When the owner approves again, then it is the import that is approved, and not the code.
    reviewed.approve(3)
    assert await reviewed.is_approved(operation)
    assert not await reviewed.is_approved(code)
    # When the code is planned anew, although it does the same, then it waits for an approval that is given after that.
    again = await reviewed.plan("p4444444", 4, change_digest=CREATES)
    assert not await reviewed.is_approved(again)
    reviewed.approve(5)
    assert await reviewed.is_approved(again)
    assert not await reviewed.is_approved(operation)


async def test_import_that_was_dropped_gives_the_codes_approval_not_back(reviewed: Reviewed) -> None:
    # Given an approved plan of the code, and an import that was planned and dropped again,
    code = await reviewed.plan("p2222222", 0, change_digest=CREATES)
    reviewed.approve(1)
    operation = await reviewed.plan("p3333333", 2, change_digest=IMPORTS, operation=IMPORT)
    async with reviewed.records.write() as writer:
        await writer.set_plan_status(operation.id, PlanStatus.CANCELED, "dropped")
    # then the code is to be planned and approved again.
    assert not await reviewed.is_approved(code)
    again = await reviewed.plan("p4444444", 3, change_digest=CREATES)
    assert not await reviewed.is_approved(again)
    reviewed.approve(4)
    assert await reviewed.is_approved(again)


async def test_an_import_on_another_environment_leaves_the_approval_alone(reviewed: Reviewed) -> None:
    code = await reviewed.plan("p2222222", 0, change_digest=CREATES)
    reviewed.approve(1)
    await reviewed.plan("p3333333", 2, change_digest=IMPORTS, operation=IMPORT, stack=builders.stack("prod"))

    assert await reviewed.is_approved(code)


async def test_a_pusher_whom_an_older_version_recorded_cannot_approve(
    reviewed: Reviewed, inspector: Inspector
) -> None:
    code = await reviewed.plan("p2222222", 0, change_digest=CREATES)
    reviewed.approve(1)
    assert await reviewed.is_approved(code)

    inspector.execute(f"INSERT INTO pushers VALUES ('{REPOSITORY.full_name}', {PULL.number}, 'Owner')")  # noqa: S608 -- Ours.

    assert not await reviewed.is_approved(code)

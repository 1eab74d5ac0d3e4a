"""What an owner's approval is worth beside a plan of `/import`, as it is judged from the records, on both databases.

It is strict on purpose: whoever approves says yes to what the newest plan does, and an operation on the state is what
people have least in mind when they read code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.adapters.database import Database
from bot.domain.approvals import Review
from bot.domain.digest import change_digest
from bot.domain.model import (
    Login,
    OperationKind,
    Permission,
    PlanStatus,
    PullRequest,
    Repo,
    Sha,
    StateOperation,
)
from bot.domain.plan import PlanRecord
from bot.ports import GitHub
from bot.services.ownership import Ownership
from bot.services.stacks import Trees
from tests.fakes import builders
from tests.integration.database.builders import HEAD, NOW, a_plan, a_run
from tests.integration.database.test_reverts import REPOSITORY

IMPORT = StateOperation(kind=OperationKind.IMPORT, address="terraform_data.more", object_id="more-1")


def digest(*actions: str, importing: dict[str, str] | None = None) -> str:
    """Return the digest of a plan of the one resource that code and import are both about."""
    change: dict[str, Any] = {"actions": list(actions), "before": None, "after": {"input": "kept"}}
    if importing is not None:
        change |= {"importing": importing}
    resource = {"address": IMPORT.address, "change": change}
    return change_digest(resources=[resource], outputs={}, drift=[], arguments=())


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

    async def committers(self, repo: Repo, number: int) -> frozenset[Login]:
        del repo, number
        return frozenset({Login("dev")})

    async def file(self, repo: Repo, path: str, commit: Sha) -> str | None:
        del repo, commit
        return "* @owner\n" if path == ".github/CODEOWNERS" else None

    async def permission(self, repo: Repo, login: Login) -> Permission:
        del repo
        return Permission.WRITE if login in {"owner", "dev"} else Permission.NONE

    async def merged(self, repo: Repo, pull: PullRequest, *, base: Sha, head: Sha) -> Any:
        del repo, pull, base, head
        return SimpleNamespace(merge=SimpleNamespace(changed_files=("terraform/more.tf",)))

    def approve(self, minute: int) -> None:
        review = Review(
            id=minute, user=Login("owner"), state="APPROVED", commit_id=HEAD, submitted_at=at(minute)
        )
        self.given.append(review)

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
        ownership = Ownership(github=cast("GitHub", self), records=self.records, trees=cast("Trees", self))
        async with self.records.read() as reader:
            recorded = await reader.plan(plan.id)
        assert recorded is not None
        pull = builders.pull(head_sha=HEAD)
        verdict = await ownership.verdict(REPOSITORY, pull, recorded, policy_commit=HEAD)
        return not verdict.missing


def at(minute: int) -> datetime:
    return NOW.replace(microsecond=0) + timedelta(minutes=minute)


@pytest.fixture
async def reviewed(records: Database) -> Reviewed:
    return Reviewed(records)


async def test_an_import_needs_an_approval_of_its_own_and_takes_that_of_the_code(reviewed: Reviewed) -> None:
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


async def test_an_import_that_was_dropped_gives_the_codes_approval_not_back(reviewed: Reviewed) -> None:
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

"""The pull request that takes a reverted change out of the base: when it is opened, and what is said where it is not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from bot.domain.core.errors import GitHubUnavailableError, MergeConflictError, WorkspaceError
from bot.domain.core.model import PlanId, PullRequest, Repo, RunId, Sha
from bot.domain.releases.revert import Revert
from bot.ports import GitHub, Records, Workspace
from bot.ports.revert_pulls import Merged, PullOpener, RevertBranches
from bot.services.reverting.pull_requests import RevertPulls
from tests.fakes.accounts import account
from tests.fakes.records import builders
from tests.unit.domain.releases.samples import release

REPO = Repo(owner="acme", name="infra", installation_id=1)
TIP = Sha("d" * 40)
_MADE = Sha("e" * 40)
REVERT = Revert(
    run_id=RunId("r123456789abcdef"),
    stack=builders.stack(),
    pull=7,
    target=PlanId("p2222222"),
    undone=(PlanId("p3333333"),),
    asked_by=account("dev"),
    asked_at=builders.NOON,
    plan_id=PlanId("p4444444"),
)


@dataclass(slots=True, kw_only=True)
class Adapters:
    """Records, git and GitHub, which remember what was written."""

    pull: PullRequest
    answer: Sha | Exception | None = _MADE
    recorded: list[Revert] = field(default_factory=list)
    pushed: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Adapters]:
        yield self

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Adapters]:
        yield self

    async def release(self, plan_id: PlanId) -> Any:
        return replace(release(plan_id), recorded_at=builders.NOON + timedelta(minutes=int(plan_id[-1])))

    async def revert_of(self, plan_id: PlanId) -> None:
        del plan_id

    async def set_revert(self, revert: Revert) -> None:
        self.recorded.append(revert)

    async def get_pull(self, repo: Repo, number: int) -> PullRequest:
        del repo, number
        return self.pull

    async def branch_head(self, repo: Repo, branch: str) -> Sha:
        del repo, branch
        return TIP

    async def git_token(self, repo: Repo) -> str:
        del repo
        return "token"

    async def fetch(self, *_: Any) -> None: ...

    async def reverted(self, repo: Repo, tip: Sha, merged: Sequence[Merged], *, at: datetime) -> Sha | None:
        del repo, tip, merged, at
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def branch_token(self, repo: Repo) -> str:
        del repo
        return "token for branches"

    async def push_branch(self, repo: Repo, token: str, branch: str, commit: Sha) -> None:
        del repo, token, commit
        self.pushed.append(branch)

    async def open_pull(self, repo: Repo, *, branch: str, base: str, title: str, body: str) -> int:
        del repo, title, body
        self.opened.append(f"{branch} -> {base}")
        return 12

    async def open(self, revert: Revert = REVERT) -> Revert:
        """Have the pull request opened; returns what was recorded."""
        github = cast("GitHub", _Pulls(self))
        await RevertPulls(
            records=cast("Records", self),
            github=github,
            opener=cast("PullOpener", self),
            workspace=cast("Workspace", self),
            branches=cast("RevertBranches", self),
        ).open(REPO, revert)
        return self.recorded[-1]


@dataclass(frozen=True, slots=True)
class _Pulls:
    """The reading side of GitHub, where `pull` is a question."""

    outside: Adapters

    async def pull(self, repo: Repo, number: int) -> PullRequest:
        return await self.outside.get_pull(repo, number)

    async def branch_head(self, repo: Repo, branch: str) -> Sha:
        return await self.outside.branch_head(repo, branch)

    async def git_token(self, repo: Repo) -> str:
        return await self.outside.git_token(repo)


def merged_pull(**changes: Any) -> PullRequest:
    return builders.pull(**{"state": "closed", "merged": True, "merge_commit": Sha("c" * 40), **changes})


async def test_change_in_the_base_gets_one_pull_request_of_ours() -> None:
    outside = Adapters(pull=merged_pull())

    recorded = await outside.open()
    await outside.open(recorded)

    assert (recorded.opened_pull, recorded.opened_why) == (12, None)
    assert outside.pushed == ["gatewright/revert-staging-p4444444"]
    assert outside.opened == ["gatewright/revert-staging-p4444444 -> main"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(
            MergeConflictError(("envs/staging.tfvars",)),
            (
                "later changes of main are in the way (envs/staging.tfvars)",
                "#7 is removed from main by hand",
                "a merge into main would bring it back",
            ),
            id="later changes are in the way",
        ),
        pytest.param(
            WorkspaceError("pull request 7 was merged as several commits"),
            ("No revert pull request was opened: pull request 7 was merged as several commits",),
            id="it is not clear what it became",
        ),
        pytest.param(None, ("main holds nothing of it any more",), id="nothing is left of it"),
    ],
)
async def test_impossible_branch_is_reported_and_nothing_is_pushed(
    answer: Exception | None, words: tuple[str, ...]
) -> None:
    outside = Adapters(pull=merged_pull(), answer=answer)

    recorded = await outside.open()

    assert recorded.opened_pull is None
    assert recorded.opened_why is not None
    for word in words:
        assert word in recorded.opened_why
    assert (outside.pushed, outside.opened) == ([], [])


@pytest.mark.parametrize(
    "pull",
    [
        pytest.param(builders.pull(), id="it is open"),
        pytest.param(builders.pull(state="closed"), id="it was closed unmerged"),
        pytest.param(merged_pull(base_ref="release"), id="it was merged into another branch"),
    ],
)
async def test_what_is_not_in_the_base_needs_none(pull: PullRequest) -> None:
    outside = Adapters(pull=pull)

    recorded = await outside.open()

    assert recorded.opened_why == "What is undone is not in the base, so no pull request is needed."
    assert (outside.pushed, outside.opened) == ([], [])


async def test_what_target_was_made_on_top_of_stays_in_base() -> None:
    outside = Adapters(pull=merged_pull())

    recorded = await outside.open(replace(REVERT, target=PlanId("p9999999")))

    assert recorded.opened_why == "What is undone is not in the base, so no pull request is needed."
    assert (outside.pushed, outside.opened) == ([], [])


async def test_what_may_work_later_is_tried_again_and_not_recorded() -> None:
    outside = Adapters(pull=merged_pull(), answer=GitHubUnavailableError("GitHub does not answer"))

    with pytest.raises(GitHubUnavailableError):
        await outside.open()

    assert outside.recorded == []

"""What a plan is made of, when the repository is not what this process remembers of it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, cast

import pytest

from bot.domain.core.errors import GitHubLagError, GitHubNotFoundError, PolicyError
from bot.domain.core.model import PullRequest, Repo, RunKind, Sha
from bot.policy import load_policy
from bot.ports import Merge
from bot.services.planning.planning import Planning
from bot.services.runs.stopwatch import Stopwatch
from bot.services.stacks.policies import LoadedPolicy
from bot.services.stacks.touched import MergedTree
from tests.fakes.records import builders

POLICY = load_policy("""
version: 1
terraform: {version: "1.11.4"}
environments:
  staging: {state_key: staging/terraform.tfstate}
""")
REMEMBERED = Repo(owner="acme", name="infra", installation_id=1, default_branch="main")
NOW = replace(REMEMBERED, default_branch="trunk")
TIP = Sha("7" * 40)
MERGE = Sha("6" * 40)


@dataclass
class GitHub:
    """A repository whose default branch was renamed since it was read here."""

    problem: Exception
    asked: list[str] = field(default_factory=list)
    tip: Sha = TIP
    """What it says of the default branch, when the tip is another one already."""
    is_merged: bool = False

    async def known_repository(self, _: str) -> Repo:
        return REMEMBERED

    async def subject(self, *_: object) -> tuple[Repo, PullRequest]:
        changes = {"state": "closed", "merged": True, "merged_at": builders.NOON} if self.is_merged else {}
        return NOW, builders.pull(base_ref="trunk", **changes)

    def now(self) -> datetime:
        return builders.NOON

    async def contains(self, *_: object, tip: Sha, commit: Sha) -> bool:
        return (tip, commit) == (TIP, MERGE)

    async def load(self, repo: Repo) -> LoadedPolicy:
        self.asked.append(repo.default_branch)
        if repo.default_branch != "trunk":
            raise self.problem
        return LoadedPolicy(policy=POLICY, commit=self.tip)

    async def merged(self, *_: object, base: Sha, head: Sha) -> MergedTree:
        assert (base, head) in {(TIP, builders.HEAD), (self.tip, self.tip)}
        merge = Merge(tree="t" * 40, merge_base=builders.BASE, changed_files=())
        return MergedTree(merge=merge, files={}, module_calls={})


@pytest.mark.parametrize(
    "problem",
    [GitHubNotFoundError("no such branch", status=404), PolicyError(("there is no such file",))],
    ids=["the branch is gone", "the branch has no policy"],
)
async def test_a_renamed_default_branch_fails_no_plan(problem: Exception) -> None:
    github = GitHub(problem)
    needed = (each.name for each in fields(Planning) if each.name != "answers")
    given = dict.fromkeys(needed, cast("Any", github))

    subject = await Planning(**given)._subject(builders.run(kind=RunKind.PLAN), Stopwatch())

    assert (subject.repo, subject.base, subject.loaded.commit) == (NOW, TIP, TIP)
    assert github.asked == ["main", "trunk"]


async def test_a_sync_waits_until_the_tip_holds_the_merge() -> None:
    github = GitHub(PolicyError(("there is no such file",)), tip=builders.BASE, is_merged=True)
    planning = Planning(**dict.fromkeys((each.name for each in fields(Planning)), cast("Any", github)))
    run = builders.run(kind=RunKind.SYNC, head_sha=MERGE)

    with pytest.raises(GitHubLagError) as raised:
        await planning._subject(run, Stopwatch())
    github.tip = TIP
    subject = await planning._subject(run, Stopwatch())

    assert raised.value.temporary
    assert (subject.base, subject.pull.head_sha) == (TIP, TIP)

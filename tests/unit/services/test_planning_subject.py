"""What a plan is made of, when the repository is not what this process remembers of it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, cast

import pytest

from bot.domain.errors import GitHubNotFoundError, PolicyError
from bot.domain.model import PullRequest, Repo, RunKind, Sha
from bot.policy import load_policy
from bot.ports import Merge
from bot.services.planning import Planning
from bot.services.policies import LoadedPolicy
from bot.services.stacks import MergedTree
from bot.services.stopwatch import Stopwatch
from tests.fakes import builders

POLICY = load_policy("""
version: 1
terraform: {version: "1.11.4"}
environments:
  staging: {state_key: staging/terraform.tfstate}
""")
REMEMBERED = Repo(owner="acme", name="infra", installation_id=1, default_branch="main")
NOW = replace(REMEMBERED, default_branch="trunk")
TIP = Sha("7" * 40)


@dataclass
class GitHub:
    """A repository whose default branch was renamed since it was read here."""

    problem: Exception
    asked: list[str] = field(default_factory=list)

    async def known_repository(self, _: str) -> Repo:
        return REMEMBERED

    async def subject(self, *_: object) -> tuple[Repo, PullRequest]:
        return NOW, builders.pull(base_ref="trunk")

    async def load(self, repo: Repo) -> LoadedPolicy:
        self.asked.append(repo.default_branch)
        if repo.default_branch != "trunk":
            raise self.problem
        return LoadedPolicy(policy=POLICY, commit=TIP)

    async def merged(self, *_: object, base: Sha, head: Sha) -> MergedTree:
        assert (base, head) == (TIP, builders.HEAD)
        merge = Merge(tree="t" * 40, merge_base=builders.BASE, changed_files=())
        return MergedTree(merge=merge, files={}, module_calls={})


@pytest.mark.parametrize(
    "problem",
    [GitHubNotFoundError("no such branch", status=404), PolicyError(("there is no such file",))],
    ids=["the branch is gone", "the branch has no policy"],
)
async def test_a_renamed_default_branch_fails_no_plan(problem: Exception) -> None:
    github = GitHub(problem)
    given = dict.fromkeys((each.name for each in fields(Planning)), cast("Any", github))

    subject = await Planning(**given)._subject(builders.run(kind=RunKind.PLAN), Stopwatch())

    assert (subject.repo, subject.base, subject.loaded.commit) == (NOW, TIP, TIP)
    assert github.asked == ["main", "trunk"]

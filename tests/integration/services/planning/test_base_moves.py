"""A push to base with two hundred open pull requests: all plans are stale at once, and hardly anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from bot.adapters.database import Database
from bot.domain.core.errors import PolicyError
from bot.domain.core.model import PlanId, PlanStatus, PullRequest, Repo, Sha
from bot.policy import load_policy
from bot.ports import Merge, Posted
from bot.ports.workspace import TreeFiles
from bot.services.planning.base_pushes import BasePushes
from bot.services.reporting.plan_comments import plan_comments
from bot.services.reporting.plan_facts import PlanFacts
from bot.services.reporting.posting import Poster
from bot.services.runs.links import Links
from bot.services.stacks.touched import Trees
from tests.fakes.accounts import account
from tests.fakes.clock import HandClock
from tests.fakes.records import builders
from tests.fakes.records.rows import NOW, REPO, STAGING, a_plan, a_run
from tests.integration.services.scene import POLICY

PULLS = 200
AFTER = Sha("c" * 40)


@dataclass(slots=True, kw_only=True)
class _GitHub:
    """Open pull requests, and a count of what is written."""

    written: list[int] = field(default_factory=list)

    async def repository(self, full_name: str) -> Repo:
        owner, name = full_name.split("/")
        return Repo(owner=owner, name=name, installation_id=1)

    async def known_repository(self, full_name: str) -> Repo:
        return await self.repository(full_name)

    async def open_pulls(self, repo: Repo) -> Sequence[PullRequest]:
        del repo
        return [builders.pull(number=number) for number in range(1, PULLS + 1)]

    async def git_token(self, repo: Repo) -> str:
        del repo
        return "token"

    async def comment(self, repo: Repo, number: int, body: str, *, asked: bool = False) -> Posted:
        del repo, body, asked
        self.written.append(number)
        return Posted(id=len(self.written), at=NOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Workspace:
    """A mirror in which the push changed some files."""

    changed: tuple[str, ...]

    async def fetch(self, *_: Any) -> None: ...

    async def merge(self, repo: Repo, *, base: Sha, head: Sha) -> Merge:
        del repo, head
        return Merge(tree="t" * 40, merge_base=base, changed_files=self.changed)

    async def tree_files(self, repo: Repo, tree: str) -> TreeFiles:
        del repo, tree
        return TreeFiles(blobs={}, links={})

    async def read_blobs(self, repo: Repo, blobs: Sequence[str]) -> Mapping[str, str]:
        del repo, blobs
        return {}


class _NoPolicy:
    async def recent(self, repo: Repo) -> object:
        raise PolicyError((repo.full_name,))


def _outdating(records: Database, github: _GitHub, *changed: str) -> BasePushes:
    some: Any = None
    facts = PlanFacts(
        records=records, github=cast("Any", github), policies=cast("Any", _NoPolicy()), judging=some
    )
    comments = plan_comments(
        facts,
        poster=Poster(github=cast("Any", github), records=records),
        links=Links(origin="https://bot.example"),
        clock=HandClock(),
    )
    trees = Trees(github=cast("Any", github), workspace=cast("Any", _Workspace(changed=changed)))
    return BasePushes(
        records=records,
        github=cast("Any", github),
        trees=trees,
        plan_comments=comments,
        clock=HandClock(),
    )


async def _planned(records: Database) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run(), NOW)
        for number in range(1, PULLS + 1):
            plan = a_plan(f"p{number:07d}", pull=number, status=PlanStatus.PLANNED)
            await writer.add_plan(replace(plan, posted_at=NOW))


async def test_two_hundred_plans_become_stale_and_ten_comments_are_written(records: Database) -> None:
    await _planned(records)
    github = _GitHub()
    base_pushes = _outdating(records, github, "envs/staging.tfvars")
    repo = await github.repository(REPO)

    count = await base_pushes.base_moved(
        repo, load_policy(POLICY, path="gatewright.yaml"), branch="main", before=Sha("b" * 40), after=AFTER
    )

    async with records.read() as reader:
        stale = await reader.plans(repo=REPO, statuses=(PlanStatus.STALE,), limit=1000)
        left = await reader.unshown_plans(repo=REPO, limit=1000)
    assert (count, len(stale), len(github.written), len(left)) == (PULLS, PULLS, 10, PULLS - 10)
    assert stale[0].status_reason == "main moved on to ccccccc, which changes what this was planned from"
    # The others follow when something happens on their own pull request.
    await base_pushes.plan_comments.show(REPO, pull=150)
    assert github.written[10:] == [150]


async def test_plans_of_untouched_stacks_and_other_bases_stay(records: Database) -> None:
    await _planned(records)
    github = _GitHub()
    repo, policy = await github.repository(REPO), load_policy(POLICY, path="gatewright.yaml")
    untouched = _outdating(records, github, "README.md")
    touched = _outdating(records, github, "terraform/main.tf")
    before = Sha("b" * 40)

    assert await untouched.base_moved(repo, policy, branch="main", before=before, after=AFTER) == 0
    assert await touched.base_moved(repo, policy, branch="other", before=before, after=AFTER) == 0
    newest = a_plan("p2222222").base_sha
    assert await touched.base_moved(repo, policy, branch="main", before=before, after=newest) == 0
    assert github.written == []


async def test_while_somebody_holds_the_stack_the_others_wait_for_it(records: Database) -> None:
    await _planned(records)
    async with records.write() as writer:
        await writer.take_lock(builders.lock(stack=STAGING, pull=3, run_id=a_run().id, holder=account("dev")))
    base_pushes = _outdating(records, _GitHub(), "terraform/main.tf")
    repo = await base_pushes.github.repository(REPO)

    await base_pushes.base_moved(
        repo, load_policy(POLICY, path="gatewright.yaml"), branch="main", before=Sha("b" * 40), after=AFTER
    )

    async with records.read() as reader:
        waiting = {wait.pull for wait in await reader.waits(STAGING.state_key, limit=1000)}
        first = await reader.plan(PlanId("p0000001"))
    assert waiting == set(range(1, PULLS + 1)) - {3}
    assert first is not None
    assert first.status is PlanStatus.STALE

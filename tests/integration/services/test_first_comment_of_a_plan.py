"""The first comment of a plan waits for GitHub's limits while another worker hears that the plan is stale."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

from bot.adapters.database import Database
from bot.domain.core.errors import PolicyError
from bot.domain.core.model import PlanStatus, Repo
from bot.ports import Posted
from bot.services.reporting.plan_comments import PlanComments, plan_comments
from bot.services.reporting.plan_facts import PlanFacts
from bot.services.reporting.posting import Poster
from bot.services.runs.links import Links
from tests.fakes.clock import HandClock
from tests.fakes.records.rows import NOW, REPO, a_plan, a_run
from tests.integration.services.scene import REPOSITORY

PULL, PLAN = 7, a_plan(pull=7)


class NoPolicy:
    async def recent(self, repo: Repo) -> object:
        raise PolicyError((repo.full_name,))


@dataclass(slots=True, kw_only=True)
class SlowGitHub:
    """Lets the first writer of a comment wait until it may, and the others pass."""

    may_write: asyncio.Event = field(default_factory=asyncio.Event)
    waits: asyncio.Event = field(default_factory=asyncio.Event)
    comments: dict[int, str] = field(default_factory=dict)

    async def known_repository(self, _: str) -> Repo:
        return REPOSITORY

    async def find_comment(self, _: Repo, __: int, beginning: str) -> Posted | None:
        found = [key for key, body in self.comments.items() if body.startswith(beginning)]
        return Posted(id=found[0], at=NOW) if found else None

    async def comment(self, _: Repo, __: int, body: str, *, asked: bool = False) -> Posted:
        del asked
        if not self.waits.is_set():
            self.waits.set()
            await self.may_write.wait()
        self.comments[len(self.comments) + 1] = body
        return Posted(id=len(self.comments), at=NOW)

    async def update_comment(self, _: Repo, id: int, body: str, *, asked: bool = False) -> Posted:
        del asked
        self.comments[id] = body
        return Posted(id=id, at=NOW)


def a_worker(records: Database, github: SlowGitHub) -> PlanComments:
    given = cast("Any", github)
    facts = PlanFacts(
        records=records, github=given, policies=cast("Any", NoPolicy()), judging=cast("Any", None)
    )
    return plan_comments(
        facts,
        poster=Poster(github=given, records=records),
        links=Links(origin="https://bot.example"),
        clock=HandClock(),
    )


async def test_a_plan_stale_before_it_is_shown_gets_one_comment(records: Database) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run(pull=PULL), NOW)
        await writer.add_plan(PLAN)
    github = SlowGitHub()
    reporting = asyncio.create_task(a_worker(records, github).report(REPOSITORY, PLAN.id))
    await github.waits.wait()

    async with records.write() as writer:
        await writer.set_plan_status(PLAN.id, PlanStatus.STALE, "another pull request was applied")
        await writer.mark_unshown(REPO, PULL, PLAN.id, NOW)
    await a_worker(records, github).show(REPO)
    github.may_write.set()
    await reporting

    assert len(github.comments) == 1
    assert '"status": "stale"' in github.comments[1]
    async with records.read() as reader:
        assert await reader.unshown_plans(repo=REPO) == []


async def test_a_stale_plan_leaves_its_first_comment_to_its_report(records: Database) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run(pull=PULL), NOW)
        await writer.add_plan(PLAN)
        await writer.mark_unshown(REPO, PULL, PLAN.id, NOW)
    github = SlowGitHub()
    github.may_write.set()
    worker = a_worker(records, github)

    assert await worker.show(REPO) == 0
    assert github.comments == {}
    await worker.report(REPOSITORY, PLAN.id)

    assert len(github.comments) == 1
    async with records.read() as reader:
        assert await reader.unshown_plans(repo=REPO) == []

"""One comment shows the plans of all stacks of a pull request, in a real database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from bot.adapters.database import Database
from bot.comments.markdown.header import parse_header
from bot.domain.core.accounts import SELF
from bot.domain.core.errors import GitHubUnavailableError, PolicyError
from bot.domain.core.model import PlanId, PlanStatus, Repo, Run, RunId, RunStatus, Sha
from bot.domain.plans.plan import PlanRecord
from bot.ports import Posted
from bot.services.reporting.plan_comments import PlanComments, plan_comments
from bot.services.reporting.plan_facts import PlanFacts
from bot.services.reporting.posting import Poster, sticky_key, written_key
from bot.services.runs.links import Links
from tests.fakes.clock import HandClock
from tests.fakes.records.rows import NOW, PROD, REPO, a_plan, a_run
from tests.integration.conftest import Inspector
from tests.integration.services.scene import REPOSITORY

PULL = 7
NEXT_HEAD = Sha("9" * 40)


class NoPolicy:
    async def recent(self, repo: Repo) -> object:
        raise PolicyError((repo.full_name,))


@dataclass(slots=True, kw_only=True)
class GitHub:
    """Comments by id, each edit counted; answers may be lost after they were written."""

    bodies: dict[int, str] = field(default_factory=dict)
    times: dict[int, datetime] = field(default_factory=dict)
    edits: int = 0
    loses_answers: bool = False

    async def known_repository(self, _: str) -> Repo:
        return REPOSITORY

    async def find_comment(self, _: Repo, __: int, marker: str) -> Posted | None:
        found = [each for each, body in self.bodies.items() if marker in body.split("\n", 1)[0]]
        return Posted(id=found[-1], at=self.times[found[-1]]) if found else None

    async def comment(self, _: Repo, __: int, body: str, *, asked: bool = False) -> Posted:
        del asked
        number = 101 + len(self.bodies)
        self.bodies[number], self.times[number] = body, NOW + timedelta(seconds=number)
        if self.loses_answers:
            raise GitHubUnavailableError("the answer was lost")
        return Posted(id=number, at=self.times[number])

    async def update_comment(self, _: Repo, id: int, body: str, *, asked: bool = False) -> Posted:
        del asked
        self.edits += 1
        self.bodies[id], self.times[id] = body, self.times[id] + timedelta(minutes=self.edits)
        return Posted(id=id, at=self.times[id])

    def stacks(self, id: int) -> dict[str, str]:
        """Return environment -> status in the first line of a comment."""
        return {each["env"]: each["status"] for each in (parse_header(self.bodies[id]) or {})["stacks"]}


def writer_of(records: Database, github: GitHub) -> PlanComments:
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


async def planned(records: Database, id: str, **changes: Any) -> PlanRecord:
    plan = a_plan(id, pull=PULL, run_id=RunId(f"run-{id}"), posted_at=None, **changes)
    run = a_run(f"run-{id}", stack=plan.stack, head_sha=plan.head_sha, head_number=plan.head_number)
    async with records.write() as writer:
        await writer.add_run(run, NOW)
        await writer.add_plan(plan)
        await writer.move_run(run.id, RunStatus.SUCCEEDED, at=NOW, actor=SELF, why="planned")
    return plan


async def failed(records: Database, id: str, **changes: Any) -> Run:
    async with records.write() as writer:
        await writer.add_run(a_run(id, **changes), NOW)
        await writer.move_run(RunId(id), RunStatus.FAILED, at=NOW, actor=SELF, why="no such provider")
        run = await writer.run(RunId(id))
    assert run is not None
    return run


async def posted_at(records: Database, id: PlanId) -> datetime | None:
    async with records.read() as reader:
        plan = await reader.plan(id)
    assert plan is not None
    return plan.posted_at


async def test_plans_and_failures_of_all_stacks_share_a_comment(records: Database) -> None:
    # Given a plan of one stack and a failed plan run of another,
    github = GitHub()
    plan = await planned(records, "p2222222")
    run = await failed(records, "run-prod", stack=PROD, comment_id=None)
    # when both are reported,
    writer = writer_of(records, github)
    await writer.report(REPOSITORY, plan.id)
    await writer.report_failure(REPOSITORY, run)
    # then one comment shows both, and says when the plan was first shown.
    assert list(github.bodies) == [101]
    assert github.stacks(101) == {"staging": "planned", "prod": "failed"}
    assert await posted_at(records, plan.id) == NOW + timedelta(seconds=101)


async def test_text_that_is_shown_already_is_not_written_again(records: Database) -> None:
    # Given a plan that is shown,
    github, plan = GitHub(), await planned(records, "p2222222")
    writer = writer_of(records, github)
    await writer.report(REPOSITORY, plan.id)
    # when it is reported and refreshed again, and then becomes stale,
    await writer.report(REPOSITORY, plan.id)
    await writer.refresh(REPOSITORY, plan.id)
    assert github.edits == 0
    async with records.write() as transaction:
        await transaction.set_plan_status(plan.id, PlanStatus.STALE, "the head moved")
    await writer.refresh(REPOSITORY, plan.id)
    # then only the change is written.
    assert github.edits == 1
    assert github.stacks(101) == {"staging": "stale"}


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        pytest.param(None, [101], id="nobody has written since: edited in place"),
        pytest.param(101, [101, 102], id="somebody has written since: posted below"),
    ],
)
async def test_plans_of_a_new_head_are_where_people_look(
    records: Database, inspector: Inspector, written: int | None, shown: list[int]
) -> None:
    # Given a shown plan, and perhaps a comment of a person below it,
    github, plan = GitHub(), await planned(records, "p2222222", head_number=1)
    writer = writer_of(records, github)
    await writer.report(REPOSITORY, plan.id)
    if written is not None:
        async with records.write() as transaction:
            await transaction.set_remote_id(REPO, written_key(PULL), written)
    # when the next head is planned, and its second stack after it,
    later = await planned(records, "p3333333", head_sha=NEXT_HEAD, head_number=2)
    await writer.report(REPOSITORY, later.id)
    prod = await planned(records, "p4444444", head_sha=NEXT_HEAD, head_number=2, stack=PROD)
    await writer.report(REPOSITORY, prod.id)
    # then the newest comment shows both, and the one before is folded.
    assert list(github.bodies) == shown
    assert github.stacks(shown[-1]) == {"staging": "planned", "prod": "planned"}
    assert len(inspector.arguments()) == len(shown) - 1


async def test_comment_that_a_crash_left_is_found_again(records: Database) -> None:
    # Given a comment that was written although its answer was lost,
    github, plan = GitHub(loses_answers=True), await planned(records, "p2222222")
    with pytest.raises(GitHubUnavailableError):
        await writer_of(records, github).report(REPOSITORY, plan.id)
    assert await posted_at(records, plan.id) is None
    # when the report is repeated by another process,
    github.loses_answers = False
    await writer_of(records, github).report(REPOSITORY, plan.id)
    # then there is no second comment, and commands written after the first attempt are about this plan.
    assert list(github.bodies) == [101]
    assert await posted_at(records, plan.id) == NOW + timedelta(seconds=101)


async def test_comments_of_single_stacks_are_folded(records: Database, inspector: Inspector) -> None:
    # Given a comment of an earlier version, which was about one stack,
    github, plan = GitHub(), await planned(records, "p2222222")
    async with records.write() as transaction:
        await transaction.set_remote_id(REPO, sticky_key(PULL, "default", "staging"), 55)
    # when the stack is shown in the comment about all,
    writer = writer_of(records, github)
    await writer.report(REPOSITORY, plan.id)
    await writer.report(REPOSITORY, (await planned(records, "p3333333")).id)
    # then the older one is folded once.
    assert ['"comment":55' in argument for argument in inspector.arguments()] == [True]


async def test_comment_is_refreshed_though_another_plan_is_not_shown_yet(records: Database) -> None:
    # Given a shown plan of one stack, and one of another stack that is still to be reported,
    github, plan = GitHub(), await planned(records, "p2222222")
    writer = writer_of(records, github)
    await writer.report(REPOSITORY, plan.id)
    prod = await planned(records, "p3333333", stack=PROD)
    # when both become stale by a push,
    async with records.write() as transaction:
        for each in (prod, plan):
            await transaction.set_plan_status(each.id, PlanStatus.STALE, "the head moved")
    async with records.read() as reader:
        outdated = await reader.plan_outlines(repo=REPO, pull=PULL)
    assert [each.id for each in outdated] == [prod.id, plan.id]
    await writer.refresh_all(REPOSITORY, outdated)
    # then the comment shows it.
    assert github.stacks(101) == {"staging": "stale", "prod": "stale"}


async def test_plan_of_a_revert_has_a_comment_of_its_own(records: Database) -> None:
    # Given a plan of the code and one of a revert,
    github, plan = GitHub(), await planned(records, "p2222222")
    revert = await planned(records, "p3333333", reverts_to=PlanId("p1111111"))
    # when both are reported,
    writer = writer_of(records, github)
    await writer.report(REPOSITORY, plan.id)
    await writer.report(REPOSITORY, revert.id)
    # then each has its comment.
    headers = [parse_header(body) or {} for body in github.bodies.values()]
    assert [each["plan"] for each in headers] == [plan.id, revert.id]

"""Checks and deployments are written by jobs of their own, of which the last one writes."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, cast

import pytest

from bot.adapters.database import Database
from bot.domain.core.errors import GitHubUnavailableError
from bot.domain.core.model import PlanId, Repo, RunId, RunKind, RunStatus, Sha
from bot.ports import GitHub, Posted
from bot.services.reporting.deployments import Deployments
from bot.services.reporting.head_checks import Checks
from bot.services.reporting.posting import Poster
from bot.services.reporting.reports import Reporting
from bot.services.reporting.statuses import Statuses
from bot.services.runs.links import Links
from bot.services.stacks.policies import Policies
from tests.fakes.records.rows import HEAD, NOW, a_run
from tests.integration.conftest import Inspector
from tests.integration.services.reporting.checked import CHECKED_POLICY
from tests.integration.services.scene import REPOSITORY, moved


@dataclass
class World:
    """GitHub, the policy and the checks in one, which remember what was written."""

    written: list[tuple[Sha, bool]] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    policy: Any = CHECKED_POLICY
    comments: int = 100
    is_away: bool = False
    folded: list[int] = field(default_factory=list)

    async def known_repository(self, full_name: str) -> Repo:
        del full_name
        if self.is_away:
            raise GitHubUnavailableError("the account is at its limit", retry_after=600.0)
        return REPOSITORY

    async def shown(self, repo: Repo) -> Any:
        del repo
        return self.policy

    async def refresh(self, repo: Repo, pull: int, head: Sha, policy: Any, *, planning: bool) -> None:
        del repo, pull, policy
        self.written.append((head, planning))

    async def react(self, *_: Any) -> None:
        """Nobody looks at reactions here."""

    async def comment(self, repo: Repo, number: int, body: str, *, asked: bool) -> Posted:
        del repo, number, body, asked
        self.comments += 1
        return Posted(id=self.comments, at=NOW)

    async def minimize_comment(self, repo: Repo, comment_id: int, *, node_id: str | None) -> None:
        del repo, node_id
        self.folded.append(comment_id)

    async def create_deployment(self, *_: Any, in_doubt: bool) -> int:
        del in_doubt
        self.states.append("created")
        return 1

    async def set_deployment_status(self, repo: Repo, deployment: int, state: str, *_: Any) -> None:
        del repo, deployment
        self.states.append(state)


def make(records: Database, world: World, *, serves: bool = True) -> Statuses:
    github = cast("GitHub", world)
    return Statuses(
        records=records,
        github=github,
        policies=cast("Policies", world),
        checks=cast("Checks", world),
        deployments=Deployments(github=github, records=records, links=Links(origin="")),
        serves=lambda _: serves,
    )


@pytest.fixture
def world() -> World:
    return World()


async def test_of_several_jobs_about_a_head_the_last_writes(
    records: Database, inspector: Inspector, world: World
) -> None:
    statuses = make(records, world)
    for _ in range(3):
        await statuses.request_checks(REPOSITORY.full_name, 7, HEAD)

    for argument in inspector.arguments():
        await statuses.show_checks(argument)

    assert world.written == [(HEAD, False)]


async def test_the_check_of_a_plan_that_was_overtaken_is_ended(
    records: Database, inspector: Inspector, world: World
) -> None:
    # Given a plan for which the check of its head is in progress, and that found a newer commit,
    statuses = make(records, world)
    async with records.write() as writer:
        await writer.add_run(a_run("run-1"), NOW)
        await writer.set_result(RunId("run-1"), summary="A newer commit.", detail={"superseded": True})
        await moved(writer, "run-1", RunStatus.CANCELED)
    given = dict.fromkeys((each.name for each in fields(Reporting)), cast("Any", world))
    # when that is reported,
    await Reporting(**given | {"records": records, "statuses": statuses}).report_plan(RunId("run-1"))
    for argument in inspector.arguments():
        await statuses.show_checks(argument)
    # then the check shows it.
    assert world.written == [(HEAD, False)]


async def test_a_planning_does_not_take_the_place_of_a_report(
    records: Database, inspector: Inspector, world: World
) -> None:
    statuses = make(records, world)
    await statuses.request_checks(REPOSITORY.full_name, 7, HEAD)
    await statuses.request_checks(REPOSITORY.full_name, 7, HEAD, planning=True)
    await statuses.request_checks(REPOSITORY.full_name, 8, HEAD, planning=True)

    for argument in inspector.arguments():
        await statuses.show_checks(argument)

    assert world.written == [(HEAD, False), (HEAD, True), (HEAD, True)]


async def test_checks_that_github_refuses_now_are_left_for_later(
    records: Database, inspector: Inspector, world: World
) -> None:
    # Given checks of an account that is at its limit,
    world.is_away = True
    statuses = make(records, world)
    await statuses.request_checks(REPOSITORY.full_name, 7, HEAD)
    # when their job comes, then it ends at once and leaves a later one, which a repetition does not double,
    for made in (1, 2):
        [*_, argument] = inspector.arguments()
        assert len(inspector.started()) == made
        for _ in range(2):
            await statuses.show_checks(argument)
    # and the last one writes them when GitHub is back.
    world.is_away = False
    await statuses.show_checks(inspector.arguments()[-1])
    assert (len(inspector.started()), world.written) == (3, [(HEAD, False)])


async def test_checks_asked_for_later_take_place_of_those_put_off(
    records: Database, inspector: Inspector, world: World
) -> None:
    world.is_away = True
    statuses = make(records, world)
    await statuses.request_checks(REPOSITORY.full_name, 7, HEAD)
    await statuses.show_checks(inspector.arguments()[-1])
    await statuses.request_checks(REPOSITORY.full_name, 7, HEAD)
    world.is_away = False

    for argument in inspector.arguments():
        await statuses.show_checks(argument)

    assert world.written == [(HEAD, False)]


async def test_a_repository_that_is_listed_no_more_is_left_alone(
    records: Database, inspector: Inspector, world: World
) -> None:
    statuses = make(records, world, serves=False)
    await statuses.request_checks(REPOSITORY.full_name, 7, HEAD)

    for argument in inspector.arguments():
        await statuses.show_checks(argument)

    assert world.written == []


async def test_an_apply_that_has_ended_needs_one_status(
    records: Database, inspector: Inspector, world: World
) -> None:
    statuses = make(records, world)
    run = a_run("run-1", kind=RunKind.APPLY, plan_id=PlanId("p2345678"))
    async with records.write() as writer:
        await writer.add_run(run, NOW)
        await writer.record_intent(RunId("run-1"), NOW)
        begun = await writer.run(RunId("run-1"))
        assert begun is not None
    await statuses.request_deployment(begun)
    async with records.write() as writer:
        await moved(writer, "run-1", RunStatus.SUCCEEDED)

        ended = await writer.run(RunId("run-1"))
        assert ended is not None
    await statuses.request_deployment(ended)

    for argument in inspector.arguments():
        await statuses.show_deployment(argument)

    assert world.states == ["created", "success"]


async def test_what_never_began_has_no_deployment(
    records: Database, inspector: Inspector, world: World
) -> None:
    statuses = make(records, world)
    async with records.write() as writer:
        await writer.add_run(a_run("run-1", kind=RunKind.APPLY), NOW)
        run = await writer.run(RunId("run-1"))
        assert run is not None
    await statuses.request_deployment(run)

    [argument] = inspector.arguments()
    await statuses.show_deployment(argument)

    assert world.states == []


async def test_a_comment_is_posted_before_the_older_one_is_folded(
    records: Database, inspector: Inspector, world: World
) -> None:
    poster = Poster(github=cast("GitHub", world), records=records)
    await poster.sticky(REPOSITORY, 7, "plan", "the first", below=None)

    at = await poster.sticky(REPOSITORY, 7, "plan", "the second", below=110)
    before = list(world.folded)
    [argument] = inspector.arguments()
    await make(records, world).fold_comment(argument)

    assert (at, before, world.folded) == (NOW, [], [101])

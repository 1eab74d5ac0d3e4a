"""Writing check runs: what costs a request, what makes a new one, and who writes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import cast

import pytest

from bot.adapters.database import Database
from bot.domain.core.errors import GitHubError, GitHubNotFoundError
from bot.domain.core.model import Repo, Sha
from bot.ports import Annotation, Check, CheckButton, GitHub
from bot.ports.records.check_runs import TouchedStack, WrittenCheck
from bot.services.reporting.check_renewal import CheckRenewal
from bot.services.reporting.check_runs import CheckedHead
from bot.services.reporting.check_turns import CheckTurns
from tests.fakes.clock import HandClock
from tests.fakes.records import builders
from tests.fakes.records.rows import BASE, HEAD, NOW, REPO, STAGING
from tests.integration.services.reporting.shown_checks import ShownChecks, check_runs
from tests.integration.services.scene import REPOSITORY

ABOUT = CheckedHead(sha=HEAD, pull=7, number=1)


def a_check(conclusion: str | None = None, **changes: object) -> Check:
    check = Check(
        name="gatewright/apply",
        head_sha=HEAD,
        conclusion=conclusion,
        title="One",
        summary="One\n",
        details_url="https://bot.example/runs/r1",
        buttons=(CheckButton(label="Apply", description="d", identifier="apply:staging"),),
    )
    return replace(check, **changes)  # type: ignore[arg-type]


MARK = (Annotation(path="main.tf", line=1, level="failure", message="wrong"),)
QUEUED = a_check(is_waiting=True)


@pytest.mark.parametrize(
    ("before", "after", "requests"),
    [
        (QUEUED, QUEUED, []),
        (a_check("success"), a_check("success"), []),
        (QUEUED, a_check(), ["update"]),
        (a_check(), a_check("failure"), ["update"]),
        (QUEUED, a_check("success"), ["update"]),
        (a_check("success"), a_check("success", title="Two"), ["update"]),
        (a_check(), QUEUED, ["create"]),
        (a_check("success"), a_check(), ["create"]),
        (a_check("success"), QUEUED, ["create"]),
        (a_check("failure"), a_check("success"), ["create"]),
        (a_check("success"), a_check("success", annotations=MARK), ["create"]),
    ],
    ids=[
        "queued as before",
        "green as before",
        "queued, then in progress",
        "in progress, then red",
        "queued, then green",
        "green with another title",
        "in progress, then queued",
        "green, then in progress",
        "green, then queued",
        "red, then green",
        "other annotations",
    ],
)
async def test_change_takes_one_request_and_new_run_where_it_must(
    records: Database, before: Check, after: Check, requests: list[str]
) -> None:
    github = ShownChecks()
    service = check_runs(github, records)
    await service.show(REPOSITORY, ABOUT, before)

    await service.show(REPOSITORY, ABOUT, after)

    assert [each.split()[0] for each in github.requests[1:]] == requests
    assert replace(github.newest("gatewright/apply"), external_id=None) == after


async def test_a_run_that_github_completed_by_itself_is_replaced(records: Database) -> None:
    # Given a check run that is completed on GitHub, which the records do not know,
    github = ShownChecks()
    service = check_runs(github, records)
    await service.show(REPOSITORY, ABOUT, a_check())
    github.runs[0] = replace(github.runs[0], conclusion="stale")
    # when something else is true, then a new one shows it.
    await service.show(REPOSITORY, ABOUT, a_check("success"))
    assert [run.conclusion for run in github.runs] == ["stale", "success"]


async def test_a_run_that_is_gone_is_made_again(records: Database) -> None:
    @dataclass
    class Forgetful(ShownChecks):
        async def update_check(self, repo: Repo, check_id: int, check: Check) -> bool:
            del repo, check_id, check
            raise GitHubNotFoundError("there is no such check run")

    github = Forgetful()
    service = check_runs(github, records)
    await service.show(REPOSITORY, ABOUT, a_check())

    await service.show(REPOSITORY, ABOUT, a_check("success"))

    assert github.state("gatewright/apply") == "success"


async def test_what_changes_behind_another_pull_requests_run_is_made_anew(records: Database) -> None:
    # Given two pull requests of one commit, of which the second was shown last, green,
    github = ShownChecks()
    service = check_runs(github, records)
    await service.show(REPOSITORY, ABOUT, QUEUED)
    await service.show(REPOSITORY, CheckedHead(sha=HEAD, pull=8, number=1), a_check("success"))
    # when an apply of the first begins, then people see it.
    await service.show(REPOSITORY, ABOUT, a_check())
    assert github.state("gatewright/apply") == "in_progress"


async def test_a_run_that_is_asked_for_again_is_made_once(records: Database) -> None:
    # Given a check run that somebody re-requested,
    github = ShownChecks()
    service = check_runs(github, records)
    await service.show(REPOSITORY, ABOUT, a_check("success"))
    async with records.write() as writer:
        [asked] = await writer.renew_checks(REPO, HEAD)
    # when it is shown as before, and what is still awaited is made,
    await service.show(REPOSITORY, ABOUT, a_check("success"))
    await service.renew(REPOSITORY, asked)
    # then there is one new run.
    assert len(github.runs) == 2
    # And where nothing showed it, that makes it.
    async with records.write() as writer:
        [asked] = await writer.renew_checks(REPO, HEAD, name="gatewright/apply")
        assert await writer.renew_checks(REPO, HEAD, name="gatewright/plan") == []
    await service.renew(REPOSITORY, asked)
    assert [run.conclusion for run in github.runs] == ["success"] * 3
    await service.show(REPOSITORY, ABOUT, a_check("success"))
    assert len(github.requests) == 3


def renewal(github: ShownChecks, records: Database, clock: HandClock) -> CheckRenewal:
    return CheckRenewal(
        records=records,
        github=cast("GitHub", github),
        checks=check_runs(github, records, clock),
        clock=clock,
        serves=lambda repo: repo == REPO,
    )


async def test_what_waits_for_twelve_days_is_made_again(records: Database) -> None:
    # Given a check that waits for people, and one that is green,
    github, clock = ShownChecks(), HandClock()
    service = check_runs(github, records, clock)
    await service.show(REPOSITORY, ABOUT, QUEUED)
    await service.show(REPOSITORY, ABOUT, a_check("success", name="gatewright/plan"))
    # when it is eleven days old, then it stays,
    clock.moment = NOW + timedelta(days=11)
    await renewal(github, records, clock).renew_due()
    assert len(github.runs) == 2
    # and when it is older than twelve, then it is made again, once.
    for hours in (1, 3):
        clock.moment = NOW + timedelta(days=12, hours=hours)
        await renewal(github, records, clock).renew_due()
    assert [run.name for run in github.runs[2:]] == ["gatewright/apply"]
    assert github.state("gatewright/apply") == "queued"
    assert [run.external_id for run in github.runs if run.name == "gatewright/apply"] == ["7:1:1", "7:1:2"]
    # And a change after such a time makes a new one, even where the schedule has not run.
    clock.moment = NOW + timedelta(days=30)
    await service.show(REPOSITORY, ABOUT, a_check("success"))
    assert github.requests[-1] == "create gatewright/apply"


@dataclass
class Suspended(ShownChecks):
    """GitHub, where one account has suspended the App."""

    async def known_repository(self, full_name: str) -> Repo:
        if full_name == GONE:
            self.requests.append("refused")
            raise GitHubError("the installation is suspended", status=403)
        return await super().known_repository(full_name)


GONE = "acme/gone"


async def test_account_that_suspends_the_app_keeps_no_other_check_waiting(records: Database) -> None:
    # Given more checks of a suspended account than one round takes, all older than another repository's,
    github, clock = Suspended(), HandClock()
    async with records.write() as writer:
        for number in range(120):
            known = WrittenCheck(
                repo=GONE, key=f"{number}:1:a", pull=number, number=1, remote_id=1, check=QUEUED, made_at=NOW
            )
            await writer.put_check(known)
    clock.moment = NOW + timedelta(hours=1)
    await check_runs(github, records, clock).show(REPOSITORY, ABOUT, QUEUED)
    # when the schedule looks,
    clock.moment = NOW + timedelta(days=13)
    service = renewal(github, records, clock)
    await replace(service, serves=lambda _: True).renew_due()
    # then the other one is made again, and the account was asked once.
    assert github.requests == ["create gatewright/apply", "refused", "create gatewright/apply"]


@pytest.mark.parametrize(
    "pull",
    [builders.pull(state="closed", head_sha=HEAD), builders.pull(head_sha=BASE)],
    ids=["closed", "moved on"],
)
async def test_what_nobody_waits_for_is_left_alone(records: Database, pull: object) -> None:
    # Given an old check of a pull request that is closed, or has another head,
    github, clock = ShownChecks(pull_request=pull), HandClock()  # type: ignore[arg-type]
    await check_runs(github, records, clock).show(REPOSITORY, CheckedHead(sha=HEAD, pull=7), QUEUED)
    # when the schedule looks, then it is not made again, and not looked at any more.
    clock.moment = NOW + timedelta(days=13)
    await renewal(github, records, clock).renew_due()
    assert len(github.runs) == 1
    async with records.read() as reader:
        assert await reader.incomplete_checks(before=clock.moment, limit=9) == []


@dataclass
class Slow(ShownChecks):
    """GitHub, which answers when it is let."""

    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    let: asyncio.Event = field(default_factory=asyncio.Event)

    async def create_check(self, repo: Repo, check: Check, *, in_doubt: bool = False) -> int:
        self.arrived.set()
        await self.let.wait()
        return await super().create_check(repo, check, in_doubt=in_doubt)


async def test_two_processes_write_one_after_the_other(records: Database) -> None:
    if not records.is_shared:
        pytest.skip("one process has a database on SQLite for itself")
    # Given two processes, of which one is writing a check,
    github = Slow()
    one, other = check_runs(github, records), check_runs(github, records)
    first = asyncio.create_task(one.show(REPOSITORY, ABOUT, QUEUED))
    await github.arrived.wait()
    # when the other shows what is true since,
    second = asyncio.create_task(other.show(REPOSITORY, ABOUT, a_check("success")))
    done, _ = await asyncio.wait({first, second}, timeout=0.3)
    assert not done
    github.let.set()
    await asyncio.gather(first, second)
    # then one check run has gone through both.
    assert github.requests == ["create gatewright/apply", "update gatewright/apply"]
    assert github.state("gatewright/apply") == "success"


async def test_the_turn_of_a_process_that_died_ends(records: Database) -> None:
    # Given a turn that nobody ends,
    async with records.write() as writer:
        assert await writer.take_check_turn(REPO, HEAD, "dead", at=NOW, until=NOW + timedelta(seconds=30))
        # then another has it only after that time, and of another commit at once.
        late = NOW + timedelta(seconds=31)
        assert not await writer.take_check_turn(REPO, HEAD, "one", at=NOW, until=late)
        assert await writer.take_check_turn(REPO, BASE, "one", at=NOW, until=late)
        assert await writer.take_check_turn(REPO, HEAD, "one", at=late, until=late + timedelta(seconds=30))
        assert not await writer.take_check_turn(REPO, HEAD, "dead", at=late, until=late)
        await writer.end_check_turn(REPO, HEAD, "dead")
        assert not await writer.take_check_turn(REPO, HEAD, "two", at=late, until=late)


async def test_who_waits_for_the_same_is_answered_together(records: Database) -> None:
    # Given a turn that is taken, and three who want to show all that the records say,
    turns = CheckTurns(records=records, clock=HandClock(), is_shared=records.is_shared)
    worked: list[int] = []

    async def refresh(number: int) -> None:
        async with turns.take(REPOSITORY, HEAD, reads_all_of=7) as is_mine:
            if is_mine:
                worked.append(number)

    async with turns.take(REPOSITORY, HEAD):
        waiting = [asyncio.create_task(refresh(number)) for number in range(3)]
        await asyncio.wait(waiting, timeout=0.1)
    await asyncio.gather(*waiting)
    # then the first does it for all, and a later one does it again.
    assert worked == [0]
    await refresh(3)
    assert worked == [0, 3]


async def test_nobody_answers_for_another_pull_request_of_the_commit(records: Database) -> None:
    # Given two pull requests with the same commit, which wait for its turn at once,
    turns = CheckTurns(records=records, clock=HandClock(), is_shared=records.is_shared)
    worked: list[int] = []

    async def refresh(pull: int) -> None:
        async with turns.take(REPOSITORY, HEAD, reads_all_of=pull) as is_mine:
            if is_mine:
                worked.append(pull)

    async with turns.take(REPOSITORY, HEAD):
        waiting = [asyncio.create_task(refresh(pull)) for pull in (7, 8)]
        await asyncio.wait(waiting, timeout=0.1)
    await asyncio.gather(*waiting)
    # then each is shown.
    assert worked == [7, 8]


async def test_what_is_written_is_read_as_it_was(records: Database) -> None:
    check = a_check(annotations=MARK, is_waiting=True, summary="\N{WARNING SIGN} <b>\n")
    written = WrittenCheck(
        repo=REPO, key="7:1:gatewright/apply", pull=7, number=2**40, remote_id=2**41, check=check, made_at=NOW
    )
    touched = [TouchedStack(project=STAGING.project, env=STAGING.env, is_automatic=False)]
    async with records.write() as writer:
        await writer.put_check(written)
        await writer.record_touched(REPO, 7, HEAD, 1, touched)

        assert await writer.written_check(REPO, written.key) == written
        assert await writer.written_checks(REPO, HEAD) == [written]
        assert await writer.touched(REPO, 7, HEAD, 1) == tuple(touched)
        assert await writer.touched(REPO, 7, HEAD, 2) is None
        assert await writer.touched(REPO, 7, Sha(BASE), 1) is None

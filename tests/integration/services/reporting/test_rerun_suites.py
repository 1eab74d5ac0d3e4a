"""What GitHub's "Re-run all checks" is about, whichever version of Gatewright made the checks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

import pytest

from bot.adapters.database import Database
from bot.domain.core.model import Permission, PullRequest, Repo, Sha
from bot.events import payload_of
from bot.ports import Check
from bot.services.reporting.check_runs import CheckedHead, CheckRuns
from bot.services.stacks.policies import FoundPolicy
from handlers.events import check_suites
from tests.fakes.records import builders
from tests.fakes.records.rows import BASE, HEAD, REPO, a_delivery
from tests.integration.services.reporting.shown_checks import ShownChecks, check_runs
from tests.integration.services.scene import REPOSITORY

SUITE = json.dumps(
    {
        "action": "rerequested",
        "check_suite": {"id": 1, "head_sha": HEAD},
        "repository": {"id": 5, "full_name": REPO, "name": "infra", "owner": {"login": "acme", "id": 2}},
        "sender": {"login": "dev", "id": 3, "type": "User"},
    }
)


@dataclass
class Bot:
    """A bot that says what it was asked for; without a policy nothing else follows."""

    records: Database
    check_runs: CheckRuns
    head: Sha = HEAD
    is_open: bool = True

    @property
    def github(self) -> Any:
        return self

    access = policies = policy_checks = github

    async def known_repository(self, _: str) -> Repo:
        return REPOSITORY

    async def subject(self, _: str, number: int) -> tuple[Repo, PullRequest]:
        state = "open" if self.is_open else "closed"
        return REPOSITORY, builders.pull(number=number, head_sha=self.head, state=state)

    async def permission(self, *_: object) -> Permission:
        return Permission.WRITE

    async def look(self, *_: object) -> FoundPolicy:
        return FoundPolicy(commit=BASE)

    async def rerun(self) -> str:
        payload = payload_of("check_suite", SUITE.encode())
        return await check_suites.handle(a_delivery(event="check_suite"), payload, cast("Any", self))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["gatewright/plan", "gatewright/apply"], "run again: /plan"),
        (["gatewright/policy", "gatewright/code staging: x"], "run again: policy, /plan"),
        (["gatewright/parity"], "run again: /parity"),
        ([], "we have no check on this commit"),
    ],
)
async def test_checks_of_an_older_version_are_made_again(
    records: Database, names: list[str], said: str
) -> None:
    async with records.write() as writer:
        for number, name in enumerate(names):
            await writer.set_remote_id(REPO, f"check:7:{HEAD}:{name}", number)
        await writer.set_remote_id(REPO, f"check:8:{BASE}:gatewright/plan", 99)

    assert await Bot(records, check_runs(ShownChecks(), records)).rerun() == said


@pytest.mark.parametrize("changes", [{"head": BASE}, {"is_open": False}], ids=["an older commit", "closed"])
async def test_checks_that_nobody_waits_for_show_the_same_once_more(
    records: Database, changes: dict[str, Any]
) -> None:
    # Given the green check of a commit that is not the head of an open pull request any more,
    github = ShownChecks()
    service = check_runs(github, records)
    check = Check(
        name="gatewright/plan",
        head_sha=HEAD,
        conclusion="success",
        title="t",
        summary="s",
        details_url="https://bot.example",
    )
    await service.show(REPOSITORY, CheckedHead(sha=HEAD, pull=7, number=1), check)
    # when all checks are run again, twice,
    bot = Bot(records, service, **changes)
    said = [await bot.rerun() for _ in range(2)]
    # then there is a new check run each time, and nothing is planned.
    assert said == ["run again: nothing"] * 2
    assert [run.conclusion for run in github.runs] == ["success"] * 3

"""A delivery whose subject GitHub does not show yet is tried again; nobody apologises for it."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import dataclass, fields
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.adapters.database import Database
from bot.context import Bot
from bot.domain.core.errors import CommitMissingError, GatewrightError, GitHubLagError, GitHubNotFoundError
from bot.domain.core.heads import LAG
from bot.domain.core.model import DeliveryId, RunId
from bot.services.planning.planning import Planning
from bot.services.runs.run_completion import RunCompletion
from handlers.inbox import Inbox
from tests.fakes.records.rows import NOW, REPO, a_delivery, a_run
from tests.integration.conftest import Inspector
from tests.unit.web.payloads import COMMENT, COMMON

COMMAND = json.dumps(
    {
        **COMMON,
        "action": "created",
        "issue": {"number": 7, "pull_request": {"url": "https://api.github.com/"}},
        "comment": COMMENT,
    }
)


@dataclass
class Behind:
    """A GitHub that does not show yet what it has reported."""

    problem: GatewrightError
    moment: datetime = NOW

    def now(self) -> datetime:
        return self.moment

    async def admits(self, *_: object) -> bool:
        return True

    async def subject(self, *_: object) -> Any:
        raise self.problem

    def bot(self, records: Database) -> Bot:
        tracer = SimpleNamespace(span=lambda *_, **__: nullcontext())
        parts = SimpleNamespace(records=records, github=self, clock=self, admission=self, tracer=tracer)
        return cast("Bot", parts)


@pytest.mark.parametrize(
    "problem", [GitHubNotFoundError("no", status=404), CommitMissingError("not our ref")], ids=["rest", "git"]
)
async def test_a_delivery_is_tried_again_while_github_is_behind_it(
    records: Database, inspector: Inspector, problem: GatewrightError
) -> None:
    # Given a command on a pull request that was just opened,
    github = Behind(problem)
    inbox, guid = Inbox(bot=github.bot(records)), DeliveryId("guid-1")
    async with records.write() as writer:
        await writer.add_delivery(a_delivery(payload=COMMAND.encode()))

    # when it is handled before GitHub shows that, then it is tried again, and nothing is recorded.
    with pytest.raises(GitHubLagError):
        await inbox.handle(guid)
    assert inspector.started() == []

    # When GitHub does not show it either after as long as it may be behind, then the delivery has failed.
    github.moment += LAG
    await inbox.handle(guid)
    async with records.read() as reader:
        handled = await reader.delivery(guid)
    assert handled is not None
    assert (handled.repo, handled.outcome) == (REPO, "failed")
    assert inspector.started() == ["report_loss-guid-1"]


async def test_plan_waits_for_a_commit_that_is_not_served_yet(records: Database) -> None:
    # Given a queued plan of a commit that git does not get,
    @dataclass
    class Missing:
        moment: datetime = NOW

        def now(self) -> datetime:
            return self.moment

        async def known_repository(self, _: str) -> Any:
            raise CommitMissingError("not our ref")

        def open(self, _: RunId) -> Missing:
            return self

        def write(self, line: str) -> None: ...

        async def store(self, _: RunId) -> str:
            return "log"

    async def status() -> str:
        async with records.read() as reader:
            run = await reader.run(RunId("run-1"))
        assert run is not None
        return str(run.status)

    parts = Missing()
    outside = cast("Any", parts)
    given = dict.fromkeys((each.name for each in fields(Planning)), outside)
    completion = RunCompletion(records=records, logs=outside, clock=outside)
    planning = Planning(**given | {"records": records, "completion": completion})
    async with records.write() as writer:
        await writer.add_run(a_run(), NOW)

    # when it was asked for just now, then it is tried again,
    with pytest.raises(GitHubLagError):
        await planning.execute(RunId("run-1"))
    assert await status() == "preparing"

    # and when it is not served after as long as GitHub may be behind, then the plan has failed.
    parts.moment += LAG
    await planning.execute(RunId("run-1"))
    assert await status() == "failed"

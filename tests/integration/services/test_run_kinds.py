"""What is done for a run follows from its kind alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, fields
from typing import Any, cast

import pytest
import sqlalchemy as sa

from bot.adapters.database import Database
from bot.adapters.database.connection.engines import migration_engine, parse_url
from bot.domain.core.model import Repo, RunId, RunKind, RunStatus
from bot.services.dispatch.run_dispatch import RunDispatch
from bot.services.dispatch.run_kinds import RunKinds
from bot.services.dispatch.unsupported_runs import UnsupportedRuns
from bot.services.runs.links import Links
from bot.services.runs.outbox import Outbox
from bot.services.runs.run_completion import RunCompletion
from bot.services.runs.run_logs import RunLogs
from tests.fakes.admission import ServesAll
from tests.fakes.clock import HandClock
from tests.fakes.records.rows import NOW, a_run

RUN = RunId("run-1")


@dataclass
class Recorder:
    """A service that only records which of its methods was called."""

    name: str
    calls: list[str] = field(default_factory=list)

    def __getattr__(self, method: str) -> Callable[..., Awaitable[None]]:
        async def call(*_: object, **__: object) -> None:
            self.calls.append(f"{self.name}.{method}")

        return call


class GitHubAndLogs:
    """Keeps what would be posted."""

    def __init__(self) -> None:
        self.posted: list[str] = []

    def open(self, _: RunId) -> GitHubAndLogs:
        return self

    def write(self, _: str) -> None:
        """The log is not looked at."""

    async def store(self, _: RunId) -> str:
        return "log"

    async def known_repository(self, _: str) -> Repo:
        return Repo(owner="acme", name="infra", installation_id=1, default_branch="main")

    async def once(self, _: object, __: object, ___: str, body: str, *, asked: bool) -> None:
        assert asked
        self.posted.append(body)


def table(calls: list[str], **real: object) -> RunKinds:
    made: dict[str, Any] = {each.name: Recorder(each.name, calls) for each in fields(RunKinds)}
    return RunKinds(**(made | real))


@pytest.mark.parametrize("kind_of_run", ["rehearsal", "drill"])
async def test_a_kind_that_this_version_cannot_run_is_never_applied(
    records: Database, url: str, kind_of_run: str
) -> None:
    calls: list[str] = []
    given = GitHubAndLogs()
    unsupported = UnsupportedRuns(
        records=records,
        github=cast("Any", given),
        completion=RunCompletion(records=records, logs=cast("RunLogs", given), clock=HandClock()),
        poster=cast("Any", given),
        links=Links(origin="https://bot.example"),
        clock=HandClock(),
    )
    dispatch = RunDispatch(
        records=records,
        admission=cast("Any", ServesAll()),
        kinds=table(calls, unsupported=unsupported),
        outbox=Outbox(records=records),
        reporting=cast("Any", Recorder("reporting", calls)),
        plan_comments=cast("Any", Recorder("plan_comments")),
    )
    async with records.write() as writer:
        await writer.add_run(a_run(RUN), NOW)
    engine = migration_engine(parse_url(url))
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE runs SET kind = :kind"), {"kind": kind_of_run})
    engine.dispose()

    await dispatch.execute(RUN)
    await dispatch.report(RUN)

    assert calls == []
    async with records.read() as reader:
        run = await reader.run(RUN)
        queued = await reader.queued_jobs([f"report_change-{RUN}"])
    assert run is not None
    assert (run.status, run.intent_at) == (RunStatus.FAILED, None)
    assert queued
    [body] = given.posted
    assert "does not know its kind. Nothing was planned or changed." in body
    assert "https://bot.example/runs/run-1" in body


@pytest.mark.parametrize("kind_of_run", list(RunKind))
async def test_every_kind_is_executed_and_reported(kind_of_run: RunKind) -> None:
    calls: list[str] = []
    steps = table(calls).steps(kind_of_run)

    for step in (steps.execute[0], steps.report[0]):
        await step(RUN)

    assert len(calls) >= len({"execute", "report"})
    assert [call for call in calls if "apply" in call] == ["applying.execute"] * (
        kind_of_run in {RunKind.APPLY, RunKind.REVERT}
    )

"""A process that is lost between GitHub's answer and its record creates no check a second time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from bot.adapters.database import Database
from bot.domain.code_findings import CodeReport, Finding
from bot.domain.model import Repo, RunId, RunStatus
from bot.ports import Check, GitHub
from bot.services.code_reports import CodeReports
from bot.services.queueing import Queueing
from tests.integration.database.builders import BASE, HEAD, NOW, a_run
from tests.integration.database.test_reverts import REPOSITORY, moved


class LostError(Exception):
    """The process ends here."""


@dataclass
class CutOff:
    """GitHub, which creates a check although its answer is lost the first time."""

    checks: list[Check] = field(default_factory=list)
    updated: list[int] = field(default_factory=list)
    is_lost: bool = True

    async def create_check(self, repo: Repo, check: Check, *, in_doubt: bool = False) -> int:
        del repo
        known = [
            number
            for number, one in enumerate(self.checks, 1)
            if (one.name, one.external_id) == (check.name, check.external_id)
        ]
        if in_doubt and check.external_id and known:
            return known[-1]
        self.checks.append(check)
        if self.is_lost:
            self.is_lost = False
            raise LostError
        return len(self.checks)

    async def update_check(self, repo: Repo, check_id: int, check: Check) -> None:
        del repo
        assert self.checks[check_id - 1].name == check.name
        self.updated.append(check_id)

    async def known_repository(self, full_name: str) -> Repo:
        assert full_name == REPOSITORY.full_name
        return REPOSITORY


async def test_the_checks_of_a_merge_queue_are_created_once_though_the_server_is_lost(
    records: Database,
) -> None:
    # Given a merge queue's commit whose first check was created by a process that then was lost,
    github, nothing = CutOff(), cast("Any", None)
    queueing = Queueing(github=cast("GitHub", github), records=records, trees=nothing)

    async def answer() -> None:
        await queueing.answer(REPOSITORY, None, branch="main", base=BASE, head=HEAD)

    with pytest.raises(LostError):
        await answer()
    # when its successor answers, and answers again,
    await answer()
    assert [check.name for check in github.checks] == ["gatewright/plan", "gatewright/apply"]
    await answer()
    # then there is one check of each name, which is brought up to date.
    assert [check.name for check in github.checks] == ["gatewright/plan", "gatewright/apply"]
    assert len(github.updated) == 3


def findings(*lines: int) -> CodeReport:
    found = (Finding(path="main.tf", line=line, level="failure", message="wrong") for line in lines)
    return CodeReport(findings=tuple(found), outcomes={"fmt": "", "validate": "wrong"})


async def planned(records: Database, name: str, found: CodeReport) -> RunId:
    run = a_run(name)
    async with records.write() as writer:
        await writer.add_run(run, NOW)
        await writer.set_result(run.id, summary="", detail={"code": found.as_detail()})
        await moved(writer, run.id, RunStatus.SUCCEEDED)
    return run.id


async def test_the_check_of_a_stacks_code_is_created_once_for_what_was_found_though_the_server_is_lost(
    records: Database,
) -> None:
    # Given a check that was created by a process that then was lost,
    github = CutOff()
    reports = CodeReports(github=cast("GitHub", github), records=records)
    first = await planned(records, "run-1", findings(3))
    with pytest.raises(LostError):
        await reports.report(first)
    # when its successor reports, and a later plan of the same commit finds the same,
    await reports.report(first)
    await reports.report(await planned(records, "run-2", findings(3)))
    assert len(github.checks) == 1
    # then there is one check; one that finds something else has another, which is lost as little.
    github.is_lost = True
    other = await planned(records, "run-3", findings(3, 4))
    with pytest.raises(LostError):
        await reports.report(other)
    await reports.report(other)
    assert [len(check.annotations) for check in github.checks] == [1, 2]

"""A process that is lost between GitHub's answer and its record creates no check a second time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import pytest

from bot.adapters.database import Database
from bot.domain.core.model import RunId, RunStatus
from bot.domain.plans.code_findings import CodeReport, Finding
from bot.ports import GitHub
from bot.services.merging.merge_queue_checks import MergeQueueChecks
from bot.services.reporting.code_reports import CodeReports
from tests.fakes.records.rows import BASE, HEAD, NOW, a_run
from tests.integration.services.reporting.shown_checks import LINKS, ShownChecks, check_runs
from tests.integration.services.scene import REPOSITORY, moved


class LostError(Exception):
    """The process ends here."""


@dataclass
class CutOff(ShownChecks):
    """GitHub, which creates a check although its answer is lost the first time."""

    is_lost: bool = True

    def __post_init__(self) -> None:
        self.on_created = self._lose

    def _lose(self) -> None:
        if self.is_lost:
            self.is_lost = False
            raise LostError


async def test_merge_queue_checks_are_created_once_despite_a_lost_server(
    records: Database,
) -> None:
    # Given a merge queue's commit whose first check was created by a process that then was lost,
    github, nothing = CutOff(), cast("Any", None)
    merge_queue_checks = MergeQueueChecks(
        records=records, trees=nothing, checks=check_runs(github, records), links=LINKS
    )

    async def answer() -> None:
        await merge_queue_checks.answer(REPOSITORY, None, branch="main", base=BASE, head=HEAD)

    with pytest.raises(LostError):
        await answer()
    # when its successor answers, and answers again,
    await answer()
    assert [check.name for check in github.runs] == ["gatewright/plan", "gatewright/apply"]
    before = len(github.requests)
    await answer()
    # then there is one check of each name, and the last answer, which says the same, costs nothing.
    assert [check.name for check in github.runs] == ["gatewright/plan", "gatewright/apply"]
    assert len(github.requests) == before


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


async def test_code_check_is_created_once_though_the_server_is_lost(
    records: Database,
) -> None:
    # Given a check that was created by a process that then was lost,
    github = CutOff()
    reports = CodeReports(
        github=cast("GitHub", github), records=records, checks=check_runs(github, records), links=LINKS
    )
    first = await planned(records, "run-1", findings(3))
    with pytest.raises(LostError):
        await reports.report(first)
    # when its successor reports, and a later plan of the same commit finds the same,
    await reports.report(first)
    await reports.report(await planned(records, "run-2", findings(3)))
    assert len(github.runs) == 1
    # then there is one check; one that finds something else has another, which is lost as little.
    github.is_lost = True
    other = await planned(records, "run-3", findings(3, 4))
    with pytest.raises(LostError):
        await reports.report(other)
    await reports.report(other)
    assert [len(check.annotations) for check in github.runs] == [1, 2]

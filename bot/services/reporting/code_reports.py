"""Writes the check run with the code findings of a stack."""

from __future__ import annotations

from dataclasses import dataclass

from bot.comments.checks.code import code_check
from bot.domain.core.model import RunId
from bot.domain.core.run_lifecycle import TERMINAL
from bot.domain.plans.code_findings import report_of
from bot.ports import Annotation, Check, GitHub, Records
from bot.services.reporting.check_runs import CheckRuns
from bot.services.runs.links import Links


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeReports:
    """One check run per commit and stack, such as `gatewright/ci` for the stack `ci`."""

    github: GitHub
    records: Records
    checks: CheckRuns
    links: Links

    async def report(self, run_id: RunId) -> None:
        """Show the code findings of a plan run; does nothing if there was no code check."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
        found = None if run is None or run.status not in TERMINAL else report_of(run.detail)
        if run is None or found is None or run.head_sha is None or run.pull is None:
            return
        text = code_check(found)
        repo = await self.github.known_repository(run.stack.repo)
        check = Check(
            name=f"gatewright/{run.stack.label}",
            head_sha=run.head_sha,
            conclusion=text.conclusion,
            title=text.title,
            summary=text.summary,
            details_url=self.links.run(run.id),
            # GitHub appends annotations and removes none. So an unchanged list is sent once, and a changed one makes
            # `CheckRuns` create another check run.
            annotations=tuple(
                Annotation(path=one.path, line=one.line, level=one.level, message=one.message)
                for one in found.findings
            ),
        )
        await self.checks.show_of_run(repo, run, run.head_sha, check)

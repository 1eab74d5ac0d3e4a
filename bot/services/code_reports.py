"""The check run on the code of a stack whose environment asks for one."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from bot.comments.code_check import code_check
from bot.domain.code_findings import CodeReport, report_of
from bot.domain.lifecycle import TERMINAL
from bot.domain.model import RunId
from bot.ports import Annotation, Check, GitHub, Records
from bot.services.posting import show_check


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeReports:
    """One check run per commit and stack, `gatewright/ci` for the stack `ci`.

    GitHub adds annotations to those that are there and removes none. So the same findings are shown once, and only
    where other code was merged meanwhile, and other things were found, another check run takes the place of the first.
    """

    github: GitHub
    records: Records

    async def report(self, run_id: RunId) -> None:
        """Show what a plan run has found in its code; nothing where it did not look."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
        found = None if run is None or run.status not in TERMINAL else report_of(run.detail)
        if run is None or found is None or run.head_sha is None or run.pull is None:
            return
        text, digest = code_check(found), _digest(found)
        repo = await self.github.known_repository(run.stack.repo)
        check = Check(
            name=f"gatewright/{run.stack.label}",
            head_sha=run.head_sha,
            conclusion=text.conclusion,
            title=text.title,
            summary=text.summary,
            external_id=f"{run.pull}:{digest}",
            annotations=tuple(
                Annotation(path=one.path, line=one.line, level=one.level, message=one.message)
                for one in found.findings
            ),
        )
        key = f"check:{run.pull}:{run.head_sha}:{check.name}:{digest}"
        await show_check(self.github, self.records, repo, key, check)


def _digest(report: CodeReport) -> str:
    return hashlib.sha256(json.dumps(report.as_detail()["findings"]).encode()).hexdigest()[:16]

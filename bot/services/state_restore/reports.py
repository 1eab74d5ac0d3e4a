"""Report the end of a restore, and mark the plans that it made stale."""

from __future__ import annotations

from dataclasses import dataclass

from bot.comments.runs.report import RunView
from bot.comments.runs.restore import restore_comment
from bot.domain.core.model import RunId, RunStatus
from bot.domain.core.run_lifecycle import TERMINAL
from bot.ports import GitHub, Records
from bot.services.reporting.plan_comments import PlanComments
from bot.services.reporting.posting import Poster
from bot.services.reporting.reports import Reporting
from bot.services.runs.links import Links


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreReports:
    """Comment and reaction of an ended restore; plans and checks that it concerns."""

    records: Records
    github: GitHub
    poster: Poster
    plan_comments: PlanComments
    reporting: Reporting
    links: Links

    async def report(self, run_id: RunId) -> None:
        """Post how it ended. Repeating it posts nothing twice."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
        if run is None or run.pull is None or run.status not in TERMINAL:
            return
        repo, pull = await self.github.subject(run.stack.repo, run.pull)
        body = restore_comment(RunView(run=run, run_url=self.links.run(run.id)))
        await self.poster.once(repo, run.pull, f"report:{run.id}", body, asked=run.comment_id is not None)
        await self.plan_comments.refresh_environment(repo, run.stack.env)
        if pull.is_open:
            await self.reporting.refresh_checks(repo, pull)
        if run.comment_id is not None:
            good = run.status is RunStatus.SUCCEEDED
            await self.github.react(repo, run.comment_id, "rocket" if good else "confused")

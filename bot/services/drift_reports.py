"""Telling what a check for changes from outside found: in the stack's issue, and to who asked for it."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from bot.comments.drift import DriftView, drift_comment, drift_issue
from bot.domain.drift_checks import drifted, how_many
from bot.domain.errors import GitHubError
from bot.domain.lifecycle import TERMINAL
from bot.domain.model import Repo, Run, RunId, RunKind, RunStatus
from bot.ports import GitHub, Records
from bot.ports.issues import IssueText
from bot.services.jobs import Links
from bot.services.plan_comments import PlanComments
from bot.services.posting import Poster
from bot.services.standing_issues import StandingIssues

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReports:
    """Issue, comment and reaction of an ended check; the gates that it may have opened or shut are shown anew."""

    records: Records
    github: GitHub
    issues: StandingIssues
    poster: Poster
    plan_comments: PlanComments
    links: Links

    async def report(self, run_id: RunId) -> None:
        """Tell it. Repeating it tells nothing twice."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
            if run is None or run.status not in TERMINAL:
                return
            checks = await reader.runs(
                repo=run.stack.repo,
                state_key=run.stack.state_key,
                kinds=(RunKind.DRIFT,),
                statuses=(RunStatus.SUCCEEDED,),
                limit=2,
            )
        repo = await self.github.known_repository(run.stack.repo)
        # The issue tells what is known now, so that a late report of an older check does not undo it.
        issue = await self._issue(repo, checks[0]) if checks else None
        if run.pull is not None:
            view = DriftView(run=run, run_url=self.links.run(run.id), issue=issue)
            await self.poster.once(repo, run.pull, f"report:{run.id}", drift_comment(view))
        if run.pull is not None and run.comment_id is not None:
            good = run.status is RunStatus.SUCCEEDED
            await self.github.react(repo, run.comment_id, "rocket" if good else "confused")
        if len({tuple(row.address for row in drifted(check)) for check in checks}) > 1 or (
            len(checks) == 1 and how_many(checks[0])
        ):
            await self.plan_comments.refresh_environment(repo, run.stack.env)

    async def _issue(self, repo: Repo, check: Run) -> int | None:
        """Bring the issue up to date; where the App may not, what was found is told without it."""
        stack = check.stack
        title, body = drift_issue(DriftView(run=check, run_url=self.links.run(check.id)))
        text = IssueText(title=title, body=body, is_open=bool(how_many(check)))
        try:
            return await self.issues.show(repo, f"issue:drift:{stack.project}:{stack.env}", text)
        except GitHubError as error:
            if error.passing:
                raise
            _LOG.warning("the drift of %s could not be told in an issue", stack.label, exc_info=True)
            return None

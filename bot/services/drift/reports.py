"""Report a drift check in the stack's issue, and to the person who requested it."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from bot.comments.runs.drift import DriftView, drift_comment, drift_issue
from bot.domain.core.errors import GitHubError, NotGrantedError
from bot.domain.core.model import Repo, Run, RunId, RunKind, RunStatus
from bot.domain.core.run_lifecycle import TERMINAL
from bot.domain.releases.drift_checks import drifted, how_many
from bot.ports import GitHub, Records
from bot.ports.issues import IssueText
from bot.services.reporting.plan_comments import PlanComments
from bot.services.reporting.posting import Poster
from bot.services.reporting.standing_issues import StandingIssues
from bot.services.runs.links import Links

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReports:
    """Issue, comment and reaction of an ended check.

    The gates that it may have opened or shut are shown again.
    """

    records: Records
    github: GitHub
    issues: StandingIssues
    poster: Poster
    plan_comments: PlanComments
    links: Links

    async def report(self, run_id: RunId) -> None:
        """Report the drift check; safe to repeat."""
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
        # The issue shows the newest check, so that a late report of an older one does not undo it.
        issue, no_issue = await self._issue(repo, checks[0]) if checks else (None, None)
        if run.pull is not None:
            view = DriftView(run=run, run_url=self.links.run(run.id), issue=issue, no_issue=no_issue)
            await self.poster.once(
                repo, run.pull, f"report:{run.id}", drift_comment(view), asked=run.comment_id is not None
            )
        if run.pull is not None and run.comment_id is not None:
            good = run.status is RunStatus.SUCCEEDED
            await self.github.react(repo, run.comment_id, "rocket" if good else "confused")
        if len({tuple(row.address for row in drifted(check)) for check in checks}) > 1 or (
            len(checks) == 1 and how_many(checks[0])
        ):
            await self.plan_comments.refresh_environment(repo, run.stack.env)

    async def _issue(self, repo: Repo, check: Run) -> tuple[int | None, str | None]:
        """Bring the issue up to date; returns its number, or why the App could not write it."""
        stack = check.stack
        title, body = drift_issue(DriftView(run=check, run_url=self.links.run(check.id)))
        text = IssueText(title=title, body=body, is_open=bool(how_many(check)))
        try:
            return await self.issues.show(repo, f"issue:drift:{stack.project}:{stack.env}", text), None
        except NotGrantedError as error:
            _LOG.warning("the drift of %s is reported in no issue: %s", stack.label, error)
            return None, str(error)
        except GitHubError as error:
            if error.temporary:
                raise
            _LOG.warning("the drift of %s could not be written to an issue", stack.label, exc_info=True)
            return None, None

"""Telling that data could not be copied, and that it can be again.

In one issue per environment, and to who asked.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from bot.comments.runs.data_refresh import refresh_comment, refresh_issue
from bot.domain.core.errors import GitHubError, NotGrantedError
from bot.domain.core.model import Repo, Run, RunId, RunStatus
from bot.domain.core.run_lifecycle import TERMINAL
from bot.ports import GitHub, Records
from bot.ports.issues import IssueText
from bot.services.data_refresh.turns import PUT_OFF
from bot.services.reporting.posting import Poster
from bot.services.reporting.standing_issues import StandingIssues
from bot.services.runs.links import Links
from bot.services.stacks.data_copies import refreshes

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshReports:
    """Updates the issue after each refresh, and answers the command that requested one."""

    records: Records
    github: GitHub
    issues: StandingIssues
    poster: Poster
    links: Links

    async def report(self, run_id: RunId) -> None:
        """Report the newest refresh, so that a late report of an older one does not undo it."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
            newest = None if run is None else _newest_that_counts(await refreshes(reader, run.stack))
        if run is None or run.status not in TERMINAL:
            return
        repo = await self.github.known_repository(run.stack.repo)
        if newest is not None:
            await self._issue(repo, newest)
        if run.pull is not None and run.comment_id is not None:
            body = refresh_comment(run, run_url=self.links.run(run.id))
            await self.poster.once(repo, run.pull, f"report:{run.id}", body, asked=run.comment_id is not None)
            good = run.status is RunStatus.SUCCEEDED
            await self.github.react(repo, run.comment_id, "rocket" if good else "confused")

    async def _issue(self, repo: Repo, newest: Run) -> None:
        stack, failed = newest.stack, newest.status is not RunStatus.SUCCEEDED
        title, body = refresh_issue(newest, run_url=self.links.run(newest.id), failed=failed)
        try:
            text = IssueText(title=title, body=body, is_open=failed)
            await self.issues.show(repo, f"issue:data_refresh:{stack.project}:{stack.env}", text)
        except NotGrantedError as error:
            _LOG.warning("the refresh of %s is reported in no issue: %s", stack.label, error)
        except GitHubError as error:
            if error.temporary:
                raise
            _LOG.warning("the refresh of %s could not be written to an issue", stack.label, exc_info=True)


def _newest_that_counts(runs: Sequence[Run]) -> Run | None:
    return next((run for run in runs if run.status in TERMINAL and not run.detail.get(PUT_OFF)), None)

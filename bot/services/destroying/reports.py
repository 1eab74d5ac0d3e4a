"""Telling on the pull request how a destroy ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import dropwhile

from bot.comments.pulls.leases import destroy_comment
from bot.comments.runs.report import RunView
from bot.domain.core.model import Repo, Run, RunId, RunKind, RunStatus
from bot.domain.core.run_kinds import LEASE_CHANGES
from bot.domain.core.run_lifecycle import TERMINAL
from bot.domain.environments.leases import MOST_DESTROYS, failed_destroys
from bot.ports import GitHub, Records
from bot.services.reporting.plan_comments import PlanComments
from bot.services.reporting.posting import Poster
from bot.services.reporting.statuses import Statuses
from bot.services.runs.links import Links


@dataclass(frozen=True, slots=True, kw_only=True)
class DestroyReports:
    """Comment, deployment, reaction and plan comment of an ended destroy."""

    records: Records
    github: GitHub
    poster: Poster
    statuses: Statuses
    plan_comments: PlanComments
    links: Links

    async def report(self, run_id: RunId) -> None:
        """Post how it ended. Repeating it posts nothing twice."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
            if run is None or run.pull is None or run.status not in TERMINAL:
                return
            changes = await reader.runs(
                repo=run.stack.repo, pull=run.pull, state_key=run.stack.state_key, kinds=LEASE_CHANGES
            )
        repo = await self.github.known_repository(run.stack.repo)
        # Later runs may be recorded by now; the report is about this one. Ids of one second have no order.
        own = list(dropwhile(lambda other: other.id != run.id, changes))
        # Where the failure of a destroy was posted, the success of the next one is posted as well.
        if failed_destroys(own[1:]) or not _is_silent(run):
            left = MOST_DESTROYS - failed_destroys(own) if failed_destroys(own) else 0
            view = RunView(run=run, run_url=self.links.run(run.id))
            body = destroy_comment(view, attempts_left=left)
            await self.poster.once(repo, run.pull, f"report:{run.id}", body, asked=run.comment_id is not None)
        if run.status is RunStatus.SUCCEEDED:
            await self._gone(repo, changes)
        if run.comment_id is not None:
            good = run.status is RunStatus.SUCCEEDED
            await self.github.react(repo, run.comment_id, "rocket" if good else "confused")

    async def _gone(self, repo: Repo, changes: Sequence[Run]) -> None:
        """Mark the deployment as inactive and update the plan's comment."""
        applied = next((other for other in changes if other.kind is RunKind.APPLY), None)
        if applied is None:
            return
        await self.statuses.request_deployment(applied, gone=True)
        # After a failed apply the comment shows a later plan than the one that was applied.
        async with self.records.read() as reader:
            plans = await reader.plan_outlines(
                repo=repo.full_name, pull=applied.pull, stack=applied.stack, limit=1
            )
        for plan in plans:
            await self.plan_comments.refresh(repo, plan.id)


def _is_silent(run: Run) -> bool:
    """Whether nothing is posted: the destroy was automatic, and there was nothing to destroy."""
    nothing = run.status is RunStatus.SUCCEEDED and not run.detail.get("destroyed")
    return nothing and run.comment_id is None

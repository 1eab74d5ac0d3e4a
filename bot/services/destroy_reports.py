"""Telling on the pull request how a destroy ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import dropwhile

from bot.comments.run_report import RunView
from bot.comments.tenancy import destroy_comment
from bot.domain.lifecycle import TERMINAL
from bot.domain.model import Repo, Run, RunId, RunKind, RunStatus
from bot.domain.tenancy import CHANGES, MOST_DESTROYS, failed_destroys
from bot.ports import GitHub, Records
from bot.services.deployments import Deployments
from bot.services.jobs import Links
from bot.services.plan_comments import PlanComments
from bot.services.posting import Poster


@dataclass(frozen=True, slots=True, kw_only=True)
class DestroyReports:
    """Comment, deployment, reaction and plan comment of an ended destroy."""

    records: Records
    github: GitHub
    poster: Poster
    deployments: Deployments
    plan_comments: PlanComments
    links: Links

    async def report(self, run_id: RunId) -> None:
        """Post how it ended. Repeating it posts nothing twice."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
            if run is None or run.pull is None or run.status not in TERMINAL:
                return
            changes = await reader.runs(
                repo=run.stack.repo, pull=run.pull, state_key=run.stack.state_key, kinds=CHANGES
            )
        repo = await self.github.known_repository(run.stack.repo)
        # Later runs may be recorded by now; the report is about this one. Ids of one second have no order.
        own = list(dropwhile(lambda other: other.id != run.id, changes))
        # Whoever was told that a destroy did not end well must be told that the next one did.
        if failed_destroys(own[1:]) or not _is_silent(run):
            left = MOST_DESTROYS - failed_destroys(own) if failed_destroys(own) else 0
            view = RunView(run=run, run_url=self.links.run(run.id))
            body = destroy_comment(view, attempts_left=left)
            await self.poster.once(repo, run.pull, f"report:{run.id}", body)
        if run.status is RunStatus.SUCCEEDED:
            await self._gone(repo, changes)
        if run.comment_id is not None:
            good = run.status is RunStatus.SUCCEEDED
            await self.github.react(repo, run.comment_id, "rocket" if good else "confused")

    async def _gone(self, repo: Repo, changes: Sequence[Run]) -> None:
        """Show on GitHub that what was deployed is gone, and that its plan is of the past."""
        applied = next((other for other in changes if other.kind is RunKind.APPLY), None)
        if applied is None:
            return
        await self.deployments.gone(repo, applied)
        # After a failed apply the comment shows a later plan than the one that was applied.
        async with self.records.read() as reader:
            plans = await reader.plan_outlines(
                repo=repo.full_name, pull=applied.pull, stack=applied.stack, limit=1
            )
        for plan in plans:
            await self.plan_comments.refresh(repo, plan.id)


def _is_silent(run: Run) -> bool:
    """Nobody asked and nothing was there: nothing is said."""
    nothing = run.status is RunStatus.SUCCEEDED and not run.detail.get("destroyed")
    return nothing and run.comment_id is None

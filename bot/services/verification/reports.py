"""Post the result of a verification on the pull request."""

from __future__ import annotations

from dataclasses import dataclass

from bot.comments.runs.verification import verify_comment
from bot.domain.core.model import RunId, RunStatus
from bot.domain.core.run_lifecycle import TERMINAL
from bot.ports import GitHub, Records
from bot.services.reporting.plan_comments import PlanComments
from bot.services.reporting.posting import Poster
from bot.services.runs.links import Links


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReports:
    """Comment and reaction of an ended verification.

    The gates that it may have opened or shut are shown again.
    """

    records: Records
    github: GitHub
    poster: Poster
    plan_comments: PlanComments
    links: Links

    async def report(self, run_id: RunId) -> None:
        """Post the result. A pass that was not requested only appears in the gates."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
            if run is None or run.pull is None or run.status not in TERMINAL:
                return
            made = await reader.verification(run_id)
        repo = await self.github.known_repository(run.stack.repo)
        good = run.status is RunStatus.SUCCEEDED
        if run.comment_id is not None or not good:
            body = verify_comment(run, made, run_url=self.links.run(run.id))
            await self.poster.once(repo, run.pull, f"report:{run.id}", body, asked=run.comment_id is not None)
        pull = await self.github.pull(repo, run.pull)
        if pull.is_open:
            await self.plan_comments.refresh_judged(repo, pull)
        if run.comment_id is not None:
            await self.github.react(repo, run.comment_id, "rocket" if good else "confused")

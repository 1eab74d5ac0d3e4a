"""Fail the runs whose kind this version cannot run."""

from __future__ import annotations

from dataclasses import dataclass

from bot.comments.runs.unsupported import unsupported_comment
from bot.domain.core.model import FailureClass, RunId, RunStatus
from bot.ports import Clock, GitHub, Records
from bot.services.reporting.posting import Poster
from bot.services.runs.links import Links
from bot.services.runs.run_completion import RunCompletion
from bot.services.runs.run_start import begin


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsupportedRuns:
    """Runs that a newer version has recorded."""

    records: Records
    github: GitHub
    completion: RunCompletion
    poster: Poster
    links: Links
    clock: Clock

    async def execute(self, run_id: RunId) -> None:
        """Record the run as failed without starting anything."""
        run = await begin(self.records, run_id, self.clock, why="looking for what runs this kind")
        if run is None:
            return
        sentence = "This version of Gatewright does not know this kind of run."
        detail = {"problem": "unsupported", "message": sentence}
        if run.intent_at is None:
            await self.completion.end(run, RunStatus.FAILED, FailureClass.EXECUTOR, sentence, detail)
            return
        # A newer version has begun to change something, and only that version could find out what.
        unknown = {**detail, "state": "unknown"}
        await self.completion.end(run, RunStatus.INTERRUPTED, FailureClass.EXECUTOR, sentence, unknown)

    async def report(self, run_id: RunId) -> None:
        """Post the failure on the pull request, once."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
        if run is None or run.pull is None:
            return
        repo = await self.github.known_repository(run.stack.repo)
        body = unsupported_comment(run, run_url=self.links.run(run.id))
        await self.poster.once(repo, run.pull, f"report:{run.id}", body, asked=run.comment_id is not None)

"""Telling what of several projects was applied, when one of them stopped the others."""

from __future__ import annotations

from dataclasses import dataclass

from bot.comments.sequence import sequence_stopped_comment
from bot.domain.model import RunId, RunKind
from bot.ports import GitHub, Records
from bot.services.posting import Poster
from bot.services.sequences import members


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceReports:
    """One comment per sequence that was stopped."""

    records: Records
    github: GitHub
    poster: Poster

    async def report(self, run_id: RunId) -> None:
        """Post it if this run stopped others. Repeating it posts nothing twice."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
            if run is None or run.pull is None or run.kind is not RunKind.APPLY:
                return
            runs = await members(reader, run)
        if any(other.detail.get("because_of") == run.id for other in runs):
            repo = await self.github.known_repository(run.stack.repo)
            body = sequence_stopped_comment(runs=runs, stopped_by=run)
            await self.poster.once(repo, run.pull, f"sequence:{run.id}", body)

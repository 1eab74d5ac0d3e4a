"""Telling what of several projects was applied, when one of them stopped the others."""

from __future__ import annotations

from dataclasses import dataclass

from bot.comments.sequence import sequence_stopped_comment
from bot.domain.model import RunId, RunKind, Stack
from bot.ports import GitHub, Records
from bot.services.posting import Poster
from bot.services.sequences import members


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceReports:
    """One comment per sequence that was stopped."""

    records: Records
    github: GitHub
    poster: Poster

    async def report(self, run_id: RunId) -> tuple[Stack, ...]:
        """Post it if this run stopped others, whose stacks it returns. Repeating it posts nothing twice."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
            if run is None or run.pull is None or run.kind is not RunKind.APPLY:
                return ()
            runs = await members(reader, run)
        stopped = tuple(other.stack for other in runs if other.detail.get("because_of") == run.id)
        if stopped:
            repo = await self.github.known_repository(run.stack.repo)
            body = sequence_stopped_comment(runs=runs, stopped_by=run)
            await self.poster.once(repo, run.pull, f"sequence:{run.id}", body)
        return stopped

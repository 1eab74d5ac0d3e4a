"""Reports which projects of a sequence were applied when one failure stopped the others."""

from __future__ import annotations

from dataclasses import dataclass

from bot.comments.runs.sequence import sequence_stopped_comment
from bot.domain.core.model import RunId, RunKind, Stack
from bot.ports import GitHub, Records
from bot.services.reporting.posting import Poster
from bot.services.runs.sequences import runs_of_sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceReports:
    """Posts one comment per stopped sequence."""

    records: Records
    github: GitHub
    poster: Poster

    async def report(self, run_id: RunId) -> tuple[Stack, ...]:
        """Post the comment if this run stopped others; returns their stacks."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
            if run is None or run.pull is None or run.kind is not RunKind.APPLY:
                return ()
            runs = await runs_of_sequence(reader, run)
        stopped = tuple(other.stack for other in runs if other.detail.get("because_of") == run.id)
        if stopped:
            repo = await self.github.known_repository(run.stack.repo)
            body = sequence_stopped_comment(runs=runs, stopped_by=run)
            await self.poster.once(
                repo, run.pull, f"sequence:{run.id}", body, asked=run.comment_id is not None
            )
        return stopped

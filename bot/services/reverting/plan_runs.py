"""Execute plan runs: plan the pull request's code, or a revert."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.core.model import RunId
from bot.ports import Records
from bot.services.planning.planning import Planning
from bot.services.reverting.planning import RevertPlanning


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRuns:
    """The step of every plan run."""

    records: Records
    planning: Planning
    revert_planning: RevertPlanning

    async def execute(self, run_id: RunId) -> None:
        """Plan, and record how it ended."""
        async with self.records.read() as reader:
            revert = await reader.revert(run_id)
        if revert is None:
            await self.planning.execute(run_id)
        else:
            await self.revert_planning.execute(revert)

"""What a plan run plans: the pull request's own code, or the way back to a release."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.model import RunId
from bot.ports import Records
from bot.services.planning import Planning
from bot.services.revert_planning import RevertPlanning


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

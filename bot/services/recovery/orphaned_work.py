"""Find unfinished deliveries and runs whose workflow no longer exists.

A record and its workflow are written in one transaction, so this needs a manual change of the database, a
restored copy of it, or a defect. They are recorded as lost, which is reported on the pull request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from bot.domain.core.run_lifecycle import ACTIVE
from bot.ports import Clock, Job, Records
from bot.services.recovery.dead_letters import DeadLetters
from bot.services.runs.intake import job_of_delivery
from bot.services.runs.new_runs import job_of

_GRACE: Final = timedelta(minutes=1)
_PAGE: Final = 200
_WHY: Final = "EngineError: its job is gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanedWork:
    """Finds them."""

    records: Records
    dead_letters: DeadLetters
    abandoned: Callable[[Sequence[str]], Awaitable[frozenset[str]]]
    """Given workflow ids, returns those that are unknown or over."""
    clock: Clock

    async def record(self) -> int:
        """Record each as lost; returns how many."""
        before = self.clock.now() - _GRACE
        async with self.records.read() as reader:
            jobs = [job_of_delivery(each) for each in await reader.open_deliveries(before, limit=_PAGE)]
            runs = await reader.runs(statuses=ACTIVE, limit=_PAGE)
            # A run that waits for another run, or for a locked stack, is queued later.
            queued = await reader.queued_jobs([job_of(run).id for run in runs])
        jobs += [job for run in runs if run.created_at < before and (job := job_of(run)).id in queued]
        gone = await self.abandoned([job.id for job in jobs]) if jobs else frozenset[str]()
        lost: list[Job] = [job for job in jobs if job.id in gone]
        for job in lost:
            await self.dead_letters.record(job.workflow, job.argument, _WHY)
        return len(lost)

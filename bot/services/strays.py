"""Deliveries and runs that nobody works on any more, although they never came to an end.

A record and its workflow are written in one transaction, so this takes a hand in the database, a restored copy
of it, or a defect. They are recorded as lost, which tells it on the pull request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from bot.ports import Clock, Job, Records
from bot.services.following import job_of
from bot.services.intake import job_of_delivery
from bot.services.losses import Losses
from bot.services.requesting import ACTIVE

_GRACE: Final = timedelta(minutes=1)
_PAGE: Final = 200
_WHY: Final = "EngineError: its job is gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strays:
    """Finds them."""

    records: Records
    losses: Losses
    abandoned: Callable[[Sequence[str]], Awaitable[frozenset[str]]]
    """Given workflow ids, returns those that are unknown or over."""
    clock: Clock

    async def record(self) -> int:
        """Record each as lost; returns how many."""
        before = self.clock.now() - _GRACE
        async with self.records.read() as reader:
            jobs = [job_of_delivery(each) for each in await reader.open_deliveries(before, limit=_PAGE)]
            runs = await reader.runs(statuses=ACTIVE, limit=_PAGE)
            # What waits behind another run, or for a stack that somebody holds, is queued when its turn comes.
            queued = await reader.queued_jobs([job_of(run).id for run in runs])
        jobs += [job for run in runs if run.created_at < before and (job := job_of(run)).id in queued]
        gone = await self.abandoned([job.id for job in jobs]) if jobs else frozenset[str]()
        lost: list[Job] = [job for job in jobs if job.id in gone]
        for job in lost:
            await self.losses.record(job.workflow, job.argument, _WHY)
        return len(lost)

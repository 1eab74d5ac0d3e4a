"""What is counted of runs, read from the records when they have ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.domain.lifecycle import TERMINAL
from bot.domain.model import RunId, RunKind, RunStatus
from bot.ports import Records


class RunMetrics(Protocol):
    """Where run times are counted."""

    def run_started(self, kind: RunKind, waited: float) -> None:
        """Observe how many seconds a run waited before it started."""
        ...

    def run_finished(self, kind: RunKind, status: RunStatus, seconds: float) -> None:
        """Count a finished run and observe how many seconds it took from its start."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """Observes each run once, after the step in which it ended."""

    records: Records
    metrics: RunMetrics

    async def ended(self, run_id: RunId) -> None:
        """Count a run that has ended; one that never started counts with no time."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
        if run is None or run.status not in TERMINAL or run.finished_at is None:
            return
        started = run.started_at or run.finished_at
        self.metrics.run_started(run.kind, (started - run.created_at).total_seconds())
        self.metrics.run_finished(run.kind, run.status, (run.finished_at - started).total_seconds())

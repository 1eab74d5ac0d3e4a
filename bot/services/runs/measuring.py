"""Count ended runs and deliveries from the records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from bot.domain.core.model import EnvName, RunId, RunKind, RunStatus
from bot.domain.core.refusals import Reason, Refusal
from bot.domain.core.run_lifecycle import TERMINAL
from bot.ports import Records


class Counters(Protocol):
    """Where it is counted."""

    def run_started(self, kind: RunKind, waited: float) -> None:
        """Observe how many seconds a run waited before it started."""
        ...

    def run_finished(self, kind: RunKind, env: EnvName, status: RunStatus, seconds: float) -> None:
        """Count a finished run and observe how many seconds it took from its start."""
        ...

    def delivery_handled(self, outcome: str) -> None:
        """Count a delivery that has its outcome."""
        ...

    def refused(self, reason: str) -> None:
        """Count a reason for which something was refused."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """Observes each delivery and each run after the step in which it ended."""

    records: Records
    counters: Counters

    def handled(self, outcome: str | None) -> None:
        """Count a delivery by its outcome, where it has one."""
        if outcome is not None:
            self.counters.delivery_handled(outcome)

    async def ended(self, run_id: RunId) -> None:
        """Count a run that has ended, and why it was refused.

        One that never started counts with no time.
        """
        async with self.records.read() as reader:
            run = await reader.run(run_id)
        if run is None or run.status not in TERMINAL or run.finished_at is None:
            return
        started = run.started_at or run.finished_at
        self.counters.run_started(run.kind, (started - run.created_at).total_seconds())
        seconds = (run.finished_at - started).total_seconds()
        self.counters.run_finished(run.kind, run.stack.env, run.status, seconds)
        for refusal in run.detail.get("refusals", ()):
            if refusal.get("reason") in set(Reason):
                self.counters.refused(refusal["reason"])

    def refused(self, refusals: Iterable[Refusal]) -> None:
        """Count the reasons for which a command was refused."""
        for refusal in refusals:
            self.counters.refused(refusal.reason)

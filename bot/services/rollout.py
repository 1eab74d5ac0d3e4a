"""Several projects of a pull request's environment: each is planned when the one before it is applied.

Their plans are all recorded and have their claims when the first is started; see `bot.services.tenancy`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.domain.model import FailureClass, Run, RunKind, RunStatus
from bot.ports import Writer
from bot.services import locking
from bot.services.following import job_of
from bot.services.outbox import report_of

_MOST = 10_000
"""Queued plans of a pull request among which those that follow are looked for."""


async def go_on(writer: Writer, run: Run) -> None:
    """Start the next plan after a project was applied or needed nothing."""
    for other in (await _waiting(writer, run))[:1]:
        await writer.enqueue(job_of(other))


async def stop(writer: Writer, run: Run, now: datetime) -> None:
    """End the plans that were to follow a project that could not be planned or applied."""
    for other in await _waiting(writer, run):
        summary = f"Not planned, because {run.stack.label} before it was not applied."
        await writer.set_result(other.id, summary=summary, detail={"problem": "skipped", "message": summary})
        await writer.move_run(
            other.id,
            RunStatus.CANCELED,
            at=now,
            actor="gatewright",
            why=summary,
            failure_class=FailureClass.CANCELED,
        )
        await writer.enqueue(report_of(other))


async def _waiting(writer: Writer, run: Run) -> Sequence[Run]:
    """Return the plans with a claim that the same push has recorded and nobody has started, in order."""
    runs = await writer.runs(
        repo=run.stack.repo, pull=run.pull, kinds=(RunKind.PLAN,), statuses=(RunStatus.QUEUED,), limit=_MOST
    )
    together = [
        other
        for other in reversed(runs)
        if (other.correlation_id, other.stack.env) == (run.correlation_id, run.stack.env)
    ]
    await locking.hold(writer, [other.stack for other in together])
    found = []
    for other in together:
        lock = await writer.lock(other.stack)
        found += [other] if lock is not None and lock.run_id == other.id else []
    return found

"""Plan and apply several projects of a pull request's environment, one after the other.

All plans are recorded, and their stacks claimed, when the first is started; each starts after the previous
project was applied. See `bot.services.environments.leases`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.domain.core.model import Run, RunKind, RunStatus
from bot.ports import Writer
from bot.services.runs.new_runs import job_of
from bot.services.runs.outbox import report_of
from bot.services.runs.sequences import SKIPPED, skip, together
from bot.services.stacks import locking

_MOST = 10_000
"""Maximum number of queued plans of a pull request that are searched."""


async def start_next_plan(writer: Writer, run: Run) -> None:
    """Start the next plan after a project was applied or needed nothing."""
    for other in (await _waiting(writer, run))[:1]:
        await writer.enqueue(job_of(other))


async def skip_rest(writer: Writer, run: Run, now: datetime) -> None:
    """Cancel the later plans of a rollout after a project could not be planned or applied."""
    for other in await _waiting(writer, run):
        summary = f"Not planned, because {run.stack.label} before it was not applied."
        await skip(writer, other, summary, {"problem": SKIPPED, "message": summary}, now)
        await writer.enqueue(report_of(other))


async def _waiting(writer: Writer, run: Run) -> Sequence[Run]:
    """Return the queued plans of the same push that have claimed their stack, in order."""
    runs = await writer.runs(
        repo=run.stack.repo, pull=run.pull, kinds=(RunKind.PLAN,), statuses=(RunStatus.QUEUED,), limit=_MOST
    )
    recorded = together(runs, run)
    await locking.lock_rows(writer, [other.stack for other in recorded])
    found = []
    for other in recorded:
        lock = await writer.lock(other.stack)
        found += [other] if lock is not None and lock.run_id == other.id else []
    return found

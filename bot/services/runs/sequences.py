"""Apply or destroy several projects of one environment in order of their dependencies.

All runs are recorded, and their stacks locked, at once; only the first is queued. When a run succeeds, the
next is queued; otherwise the rest is canceled. Runs of one sequence share correlation id and environment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.domain.core.accounts import SELF
from bot.domain.core.model import FailureClass, Run, RunKind, RunStatus
from bot.domain.core.run_kinds import SEQUENCED
from bot.ports import Reader, Writer
from bot.services.runs.new_runs import job_of
from bot.services.stacks import locking

SKIPPED = "skipped"
"""`problem` of a run that was skipped because the run in `because_of` failed."""
_MOST = 10_000
"""Maximum number of runs searched for the members of a sequence."""


async def runs_of_sequence(reader: Reader, run: Run) -> Sequence[Run]:
    """Return the runs of this run's sequence, in order."""
    runs = await reader.runs(repo=run.stack.repo, pull=run.pull, kinds=(run.kind,), limit=_MOST)
    return together(runs, run)


def together(runs: Sequence[Run], run: Run) -> list[Run]:
    """Return the runs that were recorded with `run` for its environment, oldest first.

    `runs` are newest first.
    """
    belongs = (run.correlation_id, run.stack.env)
    return [other for other in reversed(runs) if (other.correlation_id, other.stack.env) == belongs]


async def skip(writer: Writer, run: Run, summary: str, detail: Mapping[str, Any], now: datetime) -> None:
    """Cancel a run of a sequence that has not started."""
    await writer.set_result(run.id, summary=summary, detail=detail)
    await writer.move_run(
        run.id,
        RunStatus.CANCELED,
        at=now,
        actor=SELF,
        why=summary,
        failure_class=FailureClass.CANCELED,
    )


async def continue_sequence(writer: Writer, run: Run, status: RunStatus, now: datetime) -> None:
    """Queue the next run of the sequence after a success, or cancel the rest; safe to repeat."""
    waiting = await _later_runs(writer, run)
    if status is RunStatus.SUCCEEDED:
        for other in waiting[:1]:
            await writer.enqueue(job_of(other))
        return
    for other in waiting:
        await _skip(writer, other, run, now)


async def lock_later_stacks(writer: Writer, run: Run) -> None:
    """Lock the rows of the later runs' stacks before this run changes."""
    await locking.lock_rows(writer, [other.stack for other in await _later_runs(writer, run)])


async def _later_runs(reader: Reader, run: Run) -> Sequence[Run]:
    if run.kind not in SEQUENCED:
        return ()
    line = await runs_of_sequence(reader, run)
    later = line[[other.id for other in line].index(run.id) + 1 :]
    return [other for other in later if other.status is RunStatus.QUEUED]


async def _skip(writer: Writer, run: Run, because_of: Run, now: datetime) -> None:
    what = "destroyed" if run.kind is RunKind.DESTROY else "applied"
    summary = f"Not {what}, because {because_of.stack.label} before it was not."
    detail = {"problem": SKIPPED, "because_of": because_of.id, "started": False}
    await skip(writer, run, summary, detail, now)
    lock = await writer.lock(run.stack)
    if lock is not None and lock.run_id == run.id and run.kind is RunKind.APPLY:
        await locking.release(writer, lock, by=run.actor, why=summary, at=now, cause=run.correlation_id)

"""Changes of one environment that go one after the other, in the order in which the projects depend on one another.

They are all recorded, and their stacks held, when they are asked for; only the first is queued. The end of each one
queues the next or, where it was no success, ends all that were to follow. What belongs together has the same
correlation id and environment, and is in order because it was recorded so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.domain.model import FailureClass, Run, RunKind, RunStatus
from bot.ports import Reader, Writer
from bot.services import locking
from bot.services.following import job_of

SKIPPED = "skipped"
"""The `problem` of a run that was not carried out because of the one that `because_of` names."""
_MOST = 10_000
"""Changes of a pull request among which those that belong together are looked for."""


async def members(reader: Reader, run: Run) -> Sequence[Run]:
    """Return the applies, or destroys, that were asked for together with this one, itself included, in order."""
    runs = await reader.runs(repo=run.stack.repo, pull=run.pull, kinds=(run.kind,), limit=_MOST)
    together = [
        other
        for other in runs
        if (other.correlation_id, other.stack.env) == (run.correlation_id, run.stack.env)
    ]
    return together[::-1]


async def go_on(writer: Writer, run: Run, status: RunStatus, now: datetime) -> None:
    """Queue the next change after the end of one, or end those that were to follow; repeating it is harmless."""
    waiting = await _behind(writer, run)
    if status is RunStatus.SUCCEEDED:
        for other in waiting[:1]:
            await writer.enqueue(job_of(other))
        return
    for other in waiting:
        await _skip(writer, other, run, now)


async def hold_behind(writer: Writer, run: Run) -> None:
    """Ask for the stacks of those that an end of this one would end, before the run itself is changed."""
    await locking.hold(writer, [other.stack for other in await _behind(writer, run)])


async def _behind(reader: Reader, run: Run) -> Sequence[Run]:
    if run.kind not in {RunKind.APPLY, RunKind.DESTROY}:
        return ()
    line = await members(reader, run)
    later = line[[other.id for other in line].index(run.id) + 1 :]
    return [other for other in later if other.status is RunStatus.QUEUED]


async def _skip(writer: Writer, run: Run, because_of: Run, now: datetime) -> None:
    what = "destroyed" if run.kind is RunKind.DESTROY else "applied"
    summary = f"Not {what}, because {because_of.stack.label} before it was not."
    detail = {"problem": SKIPPED, "because_of": because_of.id, "started": False}
    await writer.set_result(run.id, summary=summary, detail=detail)
    await writer.move_run(
        run.id,
        RunStatus.CANCELED,
        at=now,
        actor="gatewright",
        why=summary,
        failure_class=FailureClass.CANCELED,
    )
    lock = await writer.lock(run.stack)
    if lock is not None and lock.run_id == run.id and run.kind is RunKind.APPLY:
        await locking.give(writer, lock, by=run.actor, why=summary, at=now, cause=run.correlation_id)

"""Start a run."""

from __future__ import annotations

from bot.domain.core.accounts import SELF
from bot.domain.core.model import Run, RunId, RunStatus
from bot.domain.core.run_lifecycle import TERMINAL
from bot.ports import Clock, Records
from bot.services.runs.requests import end_before_start
from bot.services.runs.sequences import lock_later_stacks


async def begin(records: Records, run_id: RunId, clock: Clock, *, why: str) -> Run | None:
    """Set a run to preparing and return its previous record; None if it has ended.

    A cancellation counts only before the intent is recorded; after that, the result must be found out first.
    """
    async with records.write() as writer:
        run = await writer.run(run_id)
        if run is None or run.status in TERMINAL:
            return None
        if run.cancel_requested_by is not None and run.intent_at is None:
            await lock_later_stacks(writer, run)
            await end_before_start(writer, run, run.cancel_requested_by, clock.now())
            return None
        # Where several write at once, it may have been ended since it was read.
        begun = await writer.move_run(run_id, RunStatus.PREPARING, at=clock.now(), actor=SELF, why=why)
    return run if begun else None


async def has_begun(records: Records, run_id: RunId) -> bool:
    """Whether an intent is recorded, so that an error cannot say how the change ended.

    Such a run ends as interrupted.
    """
    async with records.read() as reader:
        run = await reader.run(run_id)
    return run is not None and run.intent_at is not None

"""How every run begins."""

from __future__ import annotations

from bot.domain.lifecycle import TERMINAL
from bot.domain.model import Run, RunId, RunStatus
from bot.ports import Clock, Records
from bot.services.requesting import end_before_start
from bot.services.sequences import hold_behind


async def begin(records: Records, run_id: RunId, clock: Clock, *, why: str) -> Run | None:
    """Set a run to preparing and return it as it was; None when there is nothing to do any more.

    Somebody's wish to cancel it counts only while nothing was changed: what has an intent is explained first.
    """
    async with records.write() as writer:
        run = await writer.run(run_id)
        if run is None or run.status in TERMINAL:
            return None
        if run.cancel_requested_by is not None and run.intent_at is None:
            await hold_behind(writer, run)
            await end_before_start(writer, run, run.cancel_requested_by, clock.now())
            return None
        # Where several write at once, it may have been ended since it was read.
        begun = await writer.move_run(
            run_id, RunStatus.PREPARING, at=clock.now(), actor="gatewright", why=why
        )
    return run if begun else None


async def has_begun(records: Records, run_id: RunId) -> bool:
    """Whether a change may have been made, so that no error tells how it went: it is given up, and told as that."""
    async with records.read() as reader:
        run = await reader.run(run_id)
    return run is not None and run.intent_at is not None

"""What is recorded when the engine has given up on something: nothing ends without an outcome."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from bot.domain.errors import GatewrightError
from bot.domain.lifecycle import TERMINAL
from bot.domain.model import DeliveryId, FailureClass, RunId, RunStatus
from bot.ports import Clock, Records
from bot.services.reporting import Reporting

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """The end of the line for work that failed after every retry."""

    records: Records
    reporting: Reporting
    clock: Clock

    async def record(self, workflow: str, argument: str, error: str) -> None:
        """Give the delivery or the run an outcome, and try to tell it; an outcome that is there already stays."""
        _LOG.error("%s of %s was given up: %s", workflow, argument, error)
        await self._record(workflow, argument, error)
        try:
            if workflow == "execute_plan":
                await self.reporting.report_plan(RunId(argument))
            elif workflow == "execute_change":
                await self.reporting.report_change(RunId(argument))
        except GatewrightError:
            _LOG.exception("the loss of %s could not be told", argument)

    async def _record(self, workflow: str, argument: str, error: str) -> None:
        async with self.records.write() as writer:
            if workflow == "handle_delivery":
                delivery = await writer.delivery(DeliveryId(argument))
                if delivery is not None and delivery.outcome is None:
                    await writer.finish_delivery(delivery.id, "failed", f"given up: {error}"[:500])
                return
            run = await writer.run(RunId(argument))
            if run is None or run.status in TERMINAL:
                return
            summary = "It could not be carried out after several tries."
            await writer.set_result(
                run.id, summary=summary, detail={"problem": "lost", "message": error[:500]}
            )
            status = RunStatus.FAILED if run.intent_at is None else RunStatus.INTERRUPTED
            await writer.move_run(
                run.id,
                status,
                at=self.clock.now(),
                actor="gatewright",
                why=summary,
                failure_class=FailureClass.EXECUTOR,
            )

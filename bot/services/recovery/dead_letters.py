"""Recording an outcome for work that failed after every retry.

Everything ends with an outcome that is reported.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.core import errors
from bot.domain.core.model import DeliveryId, FailureClass, Run, RunId, RunKind, RunStatus
from bot.domain.core.run_kinds import TRAITS
from bot.domain.core.run_lifecycle import ACTIVE, TERMINAL
from bot.ports import Clock, Records, Writer
from bot.services.runs.new_runs import job_of
from bot.services.runs.outbox import apology_for, report_of
from bot.services.runs.run_completion import Ending, record_end

_LOG = logging.getLogger(__name__)
DELIVERIES = frozenset({"handle_delivery", "handle_check"})
"""Workflows whose argument is the id of a delivery."""
_EXECUTIONS = frozenset({"execute_plan", "execute_change"})
_LONGEST_ERROR = 500
LOST = "lost"
"""The `problem` in the detail of a run that failed after every retry, before it changed anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetters:
    """The end of the line for work that failed after every retry."""

    records: Records
    clock: Clock

    async def record(self, workflow: str, argument: str, error: str) -> None:
        """Give the delivery or the run an outcome and queue its telling.

        An outcome that is there already stays.
        """
        _LOG.error("%s of %s failed after every retry: %s", workflow, argument, error)
        async with self.records.write() as writer:
            if workflow in DELIVERIES:
                await _lose_delivery(writer, DeliveryId(argument), shown(error))
            elif workflow in _EXECUTIONS:
                await self._lose_run(writer, RunId(argument), error)

    async def _lose_run(self, writer: Writer, run_id: RunId, error: str) -> None:
        run = await writer.run(run_id)
        if run is None:
            return
        if run.status not in TERMINAL:
            begun = run.intent_at is not None and run.plan_id is not None
            plan = await writer.plan(run.plan_id) if begun and run.plan_id else None
            await record_end(writer, run, _ending(run, error), self.clock.now(), plan=plan)
        for inside in await _verifications_inside(writer, run):
            await record_end(writer, inside, _ending(inside, error), self.clock.now(), plan=None)
            await writer.enqueue(report_of(inside))
        await writer.enqueue(report_of(run))


async def _verifications_inside(writer: Writer, change: Run) -> Sequence[Run]:
    """Return what verifies the change in its own turn.

    It has no workflow of its own that would end it.
    """
    if change.plan_id is None or change.kind is RunKind.VERIFY:
        return ()
    runs = await writer.runs(state_key=change.stack.state_key, kinds=(RunKind.VERIFY,), statuses=ACTIVE)
    queued = await writer.queued_jobs([job_of(run).id for run in runs])
    return [run for run in runs if run.plan_id == change.plan_id and job_of(run).id not in queued]


async def _lose_delivery(writer: Writer, id: DeliveryId, error: str) -> None:
    delivery = await writer.delivery(id)
    if delivery is None or delivery.outcome is not None:
        return
    await writer.finish_delivery(id, "given_up", error)
    apology = apology_for(delivery)
    if apology is not None:
        await writer.enqueue(apology)


def shown(error: str) -> str:
    """Return as much of `Kind: message` as people may see.

    Words of our own, and of anything else its kind.
    """
    kind, _, message = error.partition(": ")
    return (message or kind)[:_LONGEST_ERROR] if hasattr(errors, kind) else f"an unexpected {kind[:60]}"


def class_of(error: str) -> FailureClass:
    """Return the class of the failure behind `Kind: message`."""
    kind = getattr(errors, error.partition(": ")[0], None)
    if isinstance(kind, type) and issubclass(kind, errors.GatewrightError):
        return kind.failure_class
    return FailureClass.EXECUTOR


def _ending(run: Run, error: str) -> Ending:
    """Whether Terraform changed anything is unknown where it was about to start.

    There is no process left that could look.
    """
    message = shown(error)
    if run.intent_at is None:
        return Ending(
            status=RunStatus.FAILED,
            failure=class_of(error),
            summary="It could not be carried out after several tries.",
            detail={
                "problem": LOST,
                "message": f"It could not be carried out after several tries: {message}",
            },
        )
    return Ending(
        status=RunStatus.INTERRUPTED,
        failure=FailureClass.EXECUTOR,
        summary=f"What {TRAITS[run.kind].program} did could not be found out after several tries.",
        detail={"problem": "interrupted", "state": "unknown", "message": message},
    )

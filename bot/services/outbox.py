"""What is to be written on GitHub: queued with the record that it tells of, in order per pull request.

A report is never written by the run itself. The run's end is recorded, the report is queued, and a workflow of
its own writes it, again and again for days when GitHub is away; so a run, its state and its worker are free as
soon as it has ended. Reports are rendered from the records when they are written, so a late one is not an old one.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.lifecycle import TERMINAL
from bot.domain.model import Run, RunId, RunKind
from bot.ports import Delivery, Job, Records

_QUEUE = "outbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """Queues the report of a run that has ended."""

    records: Records

    async def ended(self, run_id: RunId) -> None:
        """Queue the report; a run that has not ended, or whose report was queued before, is left at that."""
        async with self.records.write() as writer:
            run = await writer.run(run_id)
            if run is not None and run.status in TERMINAL:
                await writer.enqueue(report_of(run))


def report_of(run: Run) -> Job:
    """Return the job that tells how a run ended."""
    workflow = "report_plan" if run.kind is RunKind.PLAN else "report_change"
    # Whoever asked, what stands in an issue is told one after the other.
    pull = None if run.kind in {RunKind.DRIFT, RunKind.DATA_REFRESH} else run.pull
    return _job(workflow, run.id, run.stack.repo, pull)


def announcement_of(run: Run) -> Job:
    """Return the job that tells that a change has begun."""
    return _job("announce_change", run.id, run.stack.repo, run.pull)


def apology_for(delivery: Delivery) -> Job | None:
    """Return the job that tells that a delivery could not be handled; None where there is nowhere to tell it."""
    if delivery.repo is None or delivery.pull is None:
        return None
    return _job("report_loss", delivery.id, delivery.repo, delivery.pull)


def _job(workflow: str, about: str, repo: str, pull: int | None) -> Job:
    return Job(
        workflow=workflow,
        id=f"{workflow}-{about}",
        argument=about,
        queue=_QUEUE,
        partition=repo if pull is None else f"{repo}#{pull}",
    )

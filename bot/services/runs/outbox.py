"""Queue reports for GitHub, in order per pull request, in the transaction of their record.

A run never writes its own report. A separate workflow writes it and retries for days while GitHub is
unavailable, so the run, its state and its worker are free as soon as the run has ended. Reports are rendered
from the records when they are written, so a late report is still current.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.core.model import Run, RunId, RunKind
from bot.domain.core.run_kinds import REPORTED_IN_ISSUES
from bot.domain.core.run_lifecycle import TERMINAL
from bot.domain.core.workflows import (
    ANNOUNCE_CHANGE,
    REPORT_CHANGE,
    REPORT_LOSS,
    REPORT_PLAN,
    Workflow,
)
from bot.ports import Delivery, Job, Records


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """Queues the report of a run that has ended."""

    records: Records

    async def ended(self, run_id: RunId) -> None:
        """Queue the report.

        A run that has not ended, or whose report was queued before, is left at that.
        """
        async with self.records.write() as writer:
            run = await writer.run(run_id)
            if run is not None and run.status in TERMINAL:
                await writer.enqueue(report_of(run))


def report_of(run: Run) -> Job:
    """Return the job that reports the end of a run."""
    workflow = REPORT_PLAN if run.kind is RunKind.PLAN else REPORT_CHANGE
    # Reports in one issue are written one after the other, for whichever pull request they were requested.
    pull = None if run.kind in REPORTED_IN_ISSUES else run.pull
    return _job(workflow, run.id, run.stack.repo, pull, asked=run.comment_id is not None)


def announcement_of(run: Run) -> Job:
    """Return the job that reports the start of a change."""
    return _job(ANNOUNCE_CHANGE, run.id, run.stack.repo, run.pull, asked=run.comment_id is not None)


def apology_for(delivery: Delivery) -> Job | None:
    """Return the job that reports a delivery that failed; None without a pull request."""
    if delivery.repo is None or delivery.pull is None:
        return None
    return _job(REPORT_LOSS, delivery.id, delivery.repo, delivery.pull)


def _job(workflow: Workflow, about: str, repo: str, pull: int | None, *, asked: bool = False) -> Job:
    return Job(
        workflow=workflow.name,
        id=f"{workflow.name}-{about}",
        argument=about,
        queue=workflow.queue,
        partition=repo if pull is None else f"{repo}#{pull}",
        asked=asked,
    )

"""Execute, announce and report a run by its kind."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from bot.domain.core.errors import GatewrightError
from bot.domain.core.model import Run, RunId
from bot.ports import Records
from bot.services.access.admission import Admission
from bot.services.dispatch.run_kinds import RunKinds
from bot.services.reporting.plan_comments import PlanComments
from bot.services.reporting.reports import Reporting
from bot.services.runs.outbox import Outbox

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDispatch:
    """The entry point of the workflows of runs; ends runs of repositories no longer served."""

    records: Records
    admission: Admission
    kinds: RunKinds
    outbox: Outbox
    reporting: Reporting
    plan_comments: PlanComments

    async def execute(self, run_id: RunId) -> None:
        """Execute a run at most once, queue its report, and start what follows from it."""
        run = await self._run(run_id)
        if run is None or await self.admission.give_up(run):
            return
        steps = self.kinds.steps(run.kind)
        for step in steps.execute:
            await step(run_id)
        # The report is a workflow of its own, so that a run never waits for GitHub.
        await self.outbox.ended(run_id)
        for step in steps.follow_up:
            await step(run_id)

    async def announce(self, run_id: RunId) -> None:
        """Show on GitHub that Terraform has started."""
        run = await self._run(run_id)
        if run is not None and not self.admission.is_silent(run):
            await self.reporting.announce_change(run_id)

    async def report(self, run_id: RunId) -> None:
        """Report how a run ended; repeating it posts nothing twice."""
        run = await self._run(run_id)
        if run is None or self.admission.is_silent(run):
            return
        for step in self.kinds.steps(run.kind).report:
            await step(run_id)
        await self._update_comments(run)

    async def _update_comments(self, run: Run) -> None:
        """Update the comments of the pull request that the run has left out of date."""
        if run.pull is None:
            return
        try:
            await self.plan_comments.show(run.stack.repo, pull=run.pull)
        except GatewrightError:
            # The report is posted, and a periodic task updates these comments as well.
            _LOG.warning("comments of %s#%s stay old", run.stack.repo, run.pull, exc_info=True)

    async def _run(self, run_id: RunId) -> Run | None:
        async with self.records.read() as reader:
            return await reader.run(run_id)

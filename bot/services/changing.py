"""What changes a state, by kind of run: who carries it out, and who tells of it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.model import Run, RunId, RunKind, RunStatus, Stack
from bot.ports import Records
from bot.services.applying import Applying
from bot.services.closeouts import Closeouts
from bot.services.destroy_reports import DestroyReports
from bot.services.destroying import Destroying
from bot.services.drift_reports import DriftReports
from bot.services.drifting import Drifting
from bot.services.losses import LOST
from bot.services.refresh_reports import RefreshReports
from bot.services.refreshing import Refreshing
from bot.services.reporting import Reporting
from bot.services.rescues import Rescues
from bot.services.restore_reports import RestoreReports
from bot.services.restore_runs import RestoreRuns
from bot.services.revert_checks import RevertChecks
from bot.services.revert_reports import RevertReports
from bot.services.sequence_reports import SequenceReports
from bot.services.syncing import Syncing
from bot.services.verify_reports import VerifyReports
from bot.services.verifying import Verifying
from bot.services.waiting import Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Changing:
    """The two steps of every change."""

    records: Records
    applying: Applying
    verifying: Verifying
    revert_checks: RevertChecks
    destroying: Destroying
    reporting: Reporting
    destroy_reports: DestroyReports
    sequence_reports: SequenceReports
    verify_reports: VerifyReports
    syncing: Syncing
    waiting: Waiting
    closeouts: Closeouts
    rescues: Rescues
    revert_reports: RevertReports
    drifting: Drifting
    drift_reports: DriftReports
    refreshing: Refreshing
    refresh_reports: RefreshReports
    restore_runs: RestoreRuns
    restore_reports: RestoreReports

    async def execute(self, run_id: RunId) -> None:
        """Carry it out, at most once; what an apply has put in place is verified in the same turn of its state."""
        await self._carry_out(run_id)
        run = await self._run(run_id)
        if run is not None and run.detail.get("errored_state"):
            await self.rescues.note(run.stack)

    async def _carry_out(self, run_id: RunId) -> None:
        match await self._kind(run_id):
            case RunKind.DESTROY:
                await self.destroying.execute(run_id)
            case RunKind.VERIFY:
                await self.verifying.execute(run_id)
            case RunKind.DRIFT:
                await self.drifting.execute(run_id)
            case RunKind.DATA_REFRESH:
                await self.refreshing.execute(run_id)
            case RunKind.RESTORE:
                await self.restore_runs.execute(run_id)
                await self._freed(await self.restore_runs.let_go(run_id))
            case RunKind.SYNC:
                await self.syncing.execute(run_id)
                await self.syncing.go_on(run_id)
                await self.verifying.after(run_id)
                await self._freed(await self.syncing.let_go(run_id))
            case RunKind.REVERT:
                await self.applying.execute(run_id)
                await self.revert_checks.after(run_id)
            case _:
                await self.applying.execute(run_id)
                await self.verifying.after(run_id)

    async def _freed(self, freed: Stack | None) -> None:
        if freed is not None:
            await self.waiting.freed(freed)

    async def report(self, run_id: RunId) -> None:
        """Tell how it ended. Repeating it tells nothing twice."""
        match await self._kind(run_id):
            case RunKind.DESTROY:
                await self.destroy_reports.report(run_id)
                await self.closeouts.destroyed(run_id)
            case RunKind.VERIFY:
                await self.verify_reports.report(run_id)
            case RunKind.DRIFT:
                await self.drift_reports.report(run_id)
            case RunKind.DATA_REFRESH:
                await self.refresh_reports.report(run_id)
            case RunKind.RESTORE:
                await self.restore_reports.report(run_id)
                # One that was given up has only this.
                await self._freed(await self.restore_runs.let_go(run_id))
            case RunKind.SYNC:
                # One that was given up has only this.
                await self.syncing.go_on(run_id)
                run = await self._run(run_id)
                if run is not None and run.detail.get("problem") == LOST:
                    await self._freed(await self.syncing.let_go(run_id))
                await self.closeouts.report(run_id)
            case RunKind.REVERT:
                await self.revert_reports.report(run_id)
                await self._go_on(run_id)
            case _:
                await self.reporting.report_change(run_id)
                for stack in await self.sequence_reports.report(run_id):
                    # What was held for one that is skipped is held no more, unless it was before.
                    await self._freed(stack)

    async def _go_on(self, run_id: RunId) -> None:
        """Let those go on who have waited for a revert to be over."""
        run = await self._run(run_id)
        if run is not None and run.status is RunStatus.SUCCEEDED:
            await self.waiting.freed(run.stack)

    async def _kind(self, run_id: RunId) -> RunKind | None:
        run = await self._run(run_id)
        return None if run is None else run.kind

    async def _run(self, run_id: RunId) -> Run | None:
        async with self.records.read() as reader:
            return await reader.run(run_id)

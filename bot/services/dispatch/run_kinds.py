"""The table of run kinds: what executes a run, what reports it, and what follows it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import assert_never

from bot.domain.core.model import Run, RunId, RunKind, RunStatus, Stack
from bot.ports import Records
from bot.services.applying.applying import Applying
from bot.services.data_refresh.reports import RefreshReports
from bot.services.data_refresh.runs import Refreshing
from bot.services.destroying.destroying import Destroying
from bot.services.destroying.reports import DestroyReports
from bot.services.dispatch.unsupported_runs import UnsupportedRuns
from bot.services.drift.checks import Drifting
from bot.services.drift.reports import DriftReports
from bot.services.environments.ephemeral import Ephemeral
from bot.services.environments.ephemeral_reports import EphemeralReports
from bot.services.environments.leases import EnvironmentLeases
from bot.services.environments.lock_waiters import Waiting
from bot.services.merging.closeouts import Closeouts
from bot.services.merging.syncing import Syncing
from bot.services.recovery.dead_letters import LOST
from bot.services.recovery.errored_states import ErroredStates
from bot.services.reporting.apply_reports import ApplyReports
from bot.services.reporting.code_reports import CodeReports
from bot.services.reporting.reports import Reporting
from bot.services.reverting.checks import RevertChecks
from bot.services.reverting.plan_runs import PlanRuns
from bot.services.reverting.reports import RevertReports
from bot.services.state_restore.reports import RestoreReports
from bot.services.state_restore.runs import RestoreRuns
from bot.services.verification.reports import VerifyReports
from bot.services.verification.verifying import Verifying

Step = Callable[[RunId], Awaitable[object]]
"""One thing that is done for a run; a step whose process died is repeated with those before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSteps:
    """The steps of a run of one kind, each list in its order."""

    execute: tuple[Step, ...]
    report: tuple[Step, ...]
    """Done by the outbox, once the run has ended."""
    follow_up: tuple[Step, ...] = ()
    """Done once the run's end is recorded and its report queued."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunKinds:
    """Finds the steps of a run by its kind."""

    records: Records
    plan_runs: PlanRuns
    applying: Applying
    destroying: Destroying
    verifying: Verifying
    syncing: Syncing
    drifting: Drifting
    refreshing: Refreshing
    restore_runs: RestoreRuns
    revert_checks: RevertChecks
    unsupported: UnsupportedRuns
    reporting: Reporting
    code_reports: CodeReports
    destroy_reports: DestroyReports
    verify_reports: VerifyReports
    apply_reports: ApplyReports
    drift_reports: DriftReports
    refresh_reports: RefreshReports
    restore_reports: RestoreReports
    revert_reports: RevertReports
    ephemeral_reports: EphemeralReports
    closeouts: Closeouts
    leases: EnvironmentLeases
    ephemeral: Ephemeral
    errored_states: ErroredStates
    waiting: Waiting

    def steps(self, kind: RunKind) -> RunSteps:  # noqa: C901, PLR0911 -- One row per kind.
        """Return the steps of a kind."""
        match kind:
            case RunKind.PLAN:
                return RunSteps(
                    execute=(self.plan_runs.execute,),
                    report=(self._report_plan,),
                    follow_up=(self.leases.after_plan, self.ephemeral.after),
                )
            case RunKind.APPLY:
                return self._serialized(
                    execute=(self.applying.execute, self.verifying.after),
                    report=(self.reporting.report_change, self._free_skipped),
                )
            case RunKind.REVERT:
                return self._serialized(
                    execute=(self.applying.execute, self.revert_checks.after),
                    report=(self.revert_reports.report, self._free_reverted),
                )
            case RunKind.SYNC:
                return self._serialized(
                    execute=(
                        self.syncing.execute,
                        self.syncing.start_dependent_syncs,
                        self.verifying.after,
                        self._free_synced,
                    ),
                    # A sync that failed in the engine gets only its report, so the next one is started here too.
                    report=(self.syncing.start_dependent_syncs, self._free_lost_sync, self.closeouts.report),
                )
            case RunKind.DESTROY:
                return self._serialized(
                    execute=(self.destroying.execute,),
                    report=(self.destroy_reports.report, self.closeouts.destroyed),
                )
            case RunKind.RESTORE:
                return self._serialized(
                    execute=(self.restore_runs.execute, self._free_restored),
                    # A restore that failed in the engine gets only its report.
                    report=(self.restore_reports.report, self._free_restored),
                )
            case RunKind.VERIFY:
                return self._serialized(
                    execute=(self.verifying.execute,), report=(self.verify_reports.report,)
                )
            case RunKind.DRIFT:
                return self._serialized(execute=(self.drifting.execute,), report=(self.drift_reports.report,))
            case RunKind.DATA_REFRESH:
                return self._serialized(
                    execute=(self.refreshing.execute,), report=(self.refresh_reports.report,)
                )
            case RunKind.DRILL | RunKind.UNKNOWN:
                return RunSteps(execute=(self.unsupported.execute,), report=(self.unsupported.report,))
            case _:
                assert_never(kind)

    def _serialized(self, *, execute: tuple[Step, ...], report: tuple[Step, ...]) -> RunSteps:
        """Return the steps of a kind that is executed in the queue of its state's changes."""
        return RunSteps(
            execute=(*execute, self._note_errored_state),
            report=(*report, self.ephemeral_reports.report),
            follow_up=(self.leases.after_change, self.ephemeral.after, self.drifting.after_change),
        )

    # --- Steps of several services ----------------------------------------------------------------------

    async def _report_plan(self, run_id: RunId) -> None:
        """Report a plan, and complete the revert that it found done."""
        # Before the report, which says that the revert is complete.
        reverted = await self.revert_reports.completed(run_id)
        await self.reporting.report_plan(run_id)
        await self.code_reports.report(run_id)
        await self.ephemeral_reports.report(run_id)
        await self.waiting.planned(run_id)
        await self._freed(reverted)

    async def _free_skipped(self, run_id: RunId) -> None:
        """Start who waits for the projects that a failed apply stopped."""
        run = await self._run(run_id)
        for stack in () if run is None else await self.apply_reports.stopped_by(run):
            await self._freed(stack)

    async def _free_reverted(self, run_id: RunId) -> None:
        run = await self._run(run_id)
        if run is not None and run.status is RunStatus.SUCCEEDED:
            await self.waiting.freed(run.stack)

    async def _free_synced(self, run_id: RunId) -> None:
        await self._freed(await self.syncing.release_lock(run_id))

    async def _free_lost_sync(self, run_id: RunId) -> None:
        run = await self._run(run_id)
        if run is not None and run.detail.get("problem") == LOST:
            await self._free_synced(run_id)

    async def _free_restored(self, run_id: RunId) -> None:
        await self._freed(await self.restore_runs.release_lock(run_id))

    async def _note_errored_state(self, run_id: RunId) -> None:
        run = await self._run(run_id)
        if run is not None and run.detail.get("errored_state"):
            await self.errored_states.note(run.stack)

    async def _freed(self, stack: Stack | None) -> None:
        if stack is not None:
            await self.waiting.freed(stack)

    async def _run(self, run_id: RunId) -> Run | None:
        async with self.records.read() as reader:
            return await reader.run(run_id)

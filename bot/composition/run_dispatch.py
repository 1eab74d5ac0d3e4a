"""Wire the table of run kinds."""

from __future__ import annotations

from bot.composition.adapters import Adapters
from bot.composition.runs import Runs
from bot.composition.services import Services
from bot.services.destroying.reports import DestroyReports
from bot.services.dispatch.run_dispatch import RunDispatch
from bot.services.dispatch.run_kinds import RunKinds
from bot.services.dispatch.unsupported_runs import UnsupportedRuns
from bot.services.runs.outbox import Outbox
from bot.services.verification.reports import VerifyReports


def make_dispatch(adapters: Adapters, services: Services, runs: Runs) -> RunDispatch:
    """Return the entry point of the workflows of runs."""
    return RunDispatch(
        records=adapters.records,
        admission=adapters.admission,
        kinds=_make_kinds(adapters, services, runs),
        outbox=Outbox(records=adapters.records),
        reporting=services.reporting,
        plan_comments=services.plan_comments,
    )


def _make_kinds(adapters: Adapters, services: Services, runs: Runs) -> RunKinds:
    return RunKinds(
        records=adapters.records,
        plan_runs=runs.plan_runs,
        applying=runs.applying,
        destroying=runs.destroying,
        verifying=runs.verifying,
        syncing=runs.syncing,
        drifting=runs.side_runs.drifting,
        refreshing=runs.side_runs.refreshing,
        restore_runs=runs.restores.runs,
        revert_checks=runs.revert_checks,
        unsupported=UnsupportedRuns(
            records=adapters.records,
            github=adapters.github,
            completion=runs.completion,
            poster=services.poster,
            links=services.links,
            clock=adapters.clock,
        ),
        reporting=services.reporting,
        code_reports=runs.code_reports,
        destroy_reports=DestroyReports(
            records=adapters.records,
            github=adapters.github,
            poster=services.poster,
            statuses=services.statuses,
            plan_comments=services.plan_comments,
            links=services.links,
        ),
        verify_reports=VerifyReports(
            records=adapters.records,
            github=adapters.github,
            poster=services.poster,
            plan_comments=services.plan_comments,
            links=services.links,
        ),
        apply_reports=services.apply_reports,
        drift_reports=runs.side_runs.drift_reports,
        refresh_reports=runs.side_runs.refresh_reports,
        restore_reports=runs.restores.reports,
        revert_reports=runs.revert_reports,
        ephemeral_reports=services.ephemeral_reports,
        closeouts=services.closeouts,
        leases=services.leases,
        ephemeral=services.ephemeral,
        errored_states=services.errored_states,
        waiting=runs.waiting,
    )

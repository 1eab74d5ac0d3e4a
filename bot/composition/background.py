"""Wire the periodic work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.composition.adapters import Adapters
from bot.composition.runs import Runs
from bot.composition.services import Services
from bot.services.environments.reaper import EnvironmentReaper
from bot.services.recovery.errored_states import Rounds
from bot.services.recovery.orphaned_work import OrphanedWork
from bot.services.reporting.check_renewal import CheckRenewal
from bot.services.reporting.stale_comments import StaleComments
from bot.services.upkeep.periodic import PeriodicTasks
from bot.services.upkeep.reconciling import Reconciling
from bot.services.upkeep.schedules import Scheduling
from bot.services.upkeep.upkeep import Keep, Upkeep
from bot.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """The loops that run in the background."""

    upkeep: Upkeep
    periodic: PeriodicTasks
    reconciling: Reconciling


def make_background(adapters: Adapters, services: Services, runs: Runs) -> Background:
    """Return the loops, not yet started."""
    return Background(
        upkeep=_make_upkeep(adapters),
        periodic=_make_periodic(adapters, services, runs),
        reconciling=Reconciling(
            records=adapters.records,
            github=adapters.github,
            hooks=adapters.github,
            orphaned_work=OrphanedWork(
                records=adapters.records,
                dead_letters=runs.dead_letters,
                abandoned=adapters.engine.abandoned,
                clock=adapters.clock,
            ),
            listed=adapters.admission.listed,
            clock=adapters.clock,
            every=timedelta(seconds=adapters.settings.reconcile_seconds),
        ),
    )


def _make_upkeep(adapters: Adapters) -> Upkeep:
    return Upkeep(
        records=adapters.records,
        artifacts=adapters.artifacts,
        logs=adapters.logs,
        prune_workspace=adapters.workspace.prune,
        prune_workflows=adapters.engine.prune,
        clock=adapters.clock,
        keep=_make_keep(adapters.settings),
        on_tidied=adapters.metrics.tidied,
        every=timedelta(hours=adapters.settings.upkeep_hours),
    )


def _make_periodic(adapters: Adapters, services: Services, runs: Runs) -> PeriodicTasks:
    environment_reaper = EnvironmentReaper(
        records=adapters.records,
        github=adapters.github,
        policies=services.policies,
        poster=services.poster,
        leases=services.leases,
        ephemeral=services.ephemeral,
        clock=adapters.clock,
        serves=adapters.admission.serves,
        retry_after=timedelta(seconds=adapters.settings.destroy_retry_seconds),
    )
    seconds = adapters.settings.tick_seconds
    stale_comments = StaleComments(
        records=adapters.records,
        github=adapters.github,
        plan_comments=services.plan_comments,
        clock=adapters.clock,
        serves=adapters.admission.serves,
        every=timedelta(seconds=seconds),
    )
    check_renewal = CheckRenewal(
        records=adapters.records,
        github=adapters.github,
        checks=services.check_runs,
        clock=adapters.clock,
        serves=adapters.admission.serves,
    )
    scheduling = Scheduling(
        records=adapters.records,
        github=adapters.github,
        policies=services.policies,
        clock=adapters.clock,
        serves=adapters.admission.serves,
        duties=(runs.side_runs.drifting.queue_due, runs.side_runs.refresh_turns.queue_due),
    )
    rounds = Rounds(records=adapters.records, errored_states=services.errored_states, clock=adapters.clock)
    tasks = {
        "pull-request environments": environment_reaper.check_all,
        "comments": stale_comments.update_due,
        "checks": check_renewal.renew_due,
        "scheduled runs": scheduling.queue_due,
        "states that could not be saved": rounds.look,
    }
    return PeriodicTasks(tasks=tasks, seconds=seconds)


def _make_keep(settings: Settings) -> Keep:
    """Return how long records are kept."""

    def days(count: int) -> timedelta | None:
        return timedelta(days=count) if count else None

    return Keep(
        logs=days(settings.keep_logs_days),
        plans=days(settings.keep_plans_days),
        payloads=days(settings.keep_payloads_days),
        workflows=days(settings.keep_workflows_days),
        idle=days(settings.keep_idle_days),
    )

"""What is done every now and then, whether anything happened or not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.composition.outside import Outside
from bot.composition.runs import Runs
from bot.composition.services import Services
from bot.services.caretaking import Caretaking
from bot.services.catching_up import CatchingUp
from bot.services.reconciling import Reconciling
from bot.services.rescues import Rounds
from bot.services.scheduling import Scheduling
from bot.services.strays import Strays
from bot.services.ticking import Ticking
from bot.services.upkeep import Keep, Upkeep
from bot.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """The loops that run beside the work."""

    upkeep: Upkeep
    ticking: Ticking
    reconciling: Reconciling


def make_background(outside: Outside, services: Services, runs: Runs) -> Background:
    """Return the loops, not yet started."""
    return Background(
        upkeep=_make_upkeep(outside),
        ticking=_make_ticking(outside, services, runs),
        reconciling=Reconciling(
            records=outside.records,
            github=outside.github,
            hooks=outside.github,
            strays=Strays(
                records=outside.records,
                losses=runs.losses,
                abandoned=outside.engine.abandoned,
                clock=outside.clock,
            ),
            listed=outside.admission.listed,
            clock=outside.clock,
            every=timedelta(seconds=outside.settings.reconcile_seconds),
        ),
    )


def _make_upkeep(outside: Outside) -> Upkeep:
    return Upkeep(
        records=outside.records,
        artifacts=outside.artifacts,
        logs=outside.logs,
        prune_workspace=outside.workspace.prune,
        prune_workflows=outside.engine.prune,
        clock=outside.clock,
        keep=_make_keep(outside.settings),
        on_tidied=outside.metrics.tidied,
        every=timedelta(hours=outside.settings.upkeep_hours),
    )


def _make_ticking(outside: Outside, services: Services, runs: Runs) -> Ticking:
    caretaking = Caretaking(
        records=outside.records,
        github=outside.github,
        policies=services.policies,
        poster=services.poster,
        tenancy=services.tenancy,
        ephemeral=services.ephemeral,
        clock=outside.clock,
        serves=outside.admission.serves,
        retry_after=timedelta(seconds=outside.settings.destroy_retry_seconds),
    )
    seconds = outside.settings.tick_seconds
    catching_up = CatchingUp(
        records=outside.records,
        github=outside.github,
        plan_comments=services.plan_comments,
        clock=outside.clock,
        serves=outside.admission.serves,
        every=timedelta(seconds=seconds),
    )
    scheduling = Scheduling(
        records=outside.records,
        github=outside.github,
        policies=services.policies,
        serves=outside.admission.serves,
        duties=(runs.beside.drifting.queue_due, runs.beside.refresh_turns.queue_due),
    )
    rounds = Rounds(records=outside.records, rescues=services.rescues, clock=outside.clock)
    chores = {
        "pull-request environments": caretaking.look_after,
        "comments": catching_up.look_after,
        "what the policies want by the clock": scheduling.look_around,
        "states that could not be saved": rounds.look,
    }
    return Ticking(chores=chores, seconds=seconds)


def _make_keep(settings: Settings) -> Keep:
    """Return how long things are kept."""

    def days(count: int) -> timedelta | None:
        return timedelta(days=count) if count else None

    return Keep(
        logs=days(settings.keep_logs_days),
        plans=days(settings.keep_plans_days),
        payloads=days(settings.keep_payloads_days),
        workflows=days(settings.keep_workflows_days),
        idle=days(settings.keep_idle_days),
    )

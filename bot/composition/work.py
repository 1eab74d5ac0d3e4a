"""Wire the services of handlers and of the engine's workflows."""

from __future__ import annotations

from bot.composition.adapters import Adapters
from bot.composition.run_dispatch import make_dispatch
from bot.composition.runs import Runs
from bot.composition.services import Services
from bot.context import Bot
from bot.domain.core.model import DeliveryId
from bot.engine.config import Work
from bot.observing import Observing
from handlers.failed_deliveries import FailedDeliveries
from handlers.inbox import Inbox


def make_bot(adapters: Adapters, services: Services, runs: Runs) -> Bot:
    """Return everything that a handler may use."""
    return Bot(
        errored_states=services.errored_states,
        records=adapters.records,
        admission=adapters.admission,
        github=adapters.github,
        heads=adapters.heads,
        terraform=adapters.terraform,
        clock=adapters.clock,
        policies=services.policies,
        policy_checks=services.policy_checks,
        check_runs=services.check_runs,
        access=services.access,
        owners=services.owners,
        judging=services.judging,
        run_requests=services.run_requests,
        trees=services.trees,
        leases=services.leases,
        poster=services.poster,
        plan_comments=services.plan_comments,
        reporting=services.reporting,
        links=services.links,
        measuring=services.measuring,
        tracer=adapters.tracer,
        people=services.people,
        pushes=services.pushes,
        waiting=runs.waiting,
        reverting=runs.reverting,
        restoring=runs.restores.requests,
        syncing=runs.syncing,
        base_pushes=services.base_pushes,
        merge_queue_checks=services.merge_queue_checks,
        closeouts=services.closeouts,
        drifting=runs.side_runs.drifting,
        parity=runs.side_runs.parity,
        refresh_turns=runs.side_runs.refresh_turns,
    )


def make_work(adapters: Adapters, services: Services, runs: Runs, bot: Bot) -> Work:
    """Return the functions that the engine calls, by workflow."""
    inbox, failed_deliveries = Inbox(bot=bot), FailedDeliveries(bot=bot)
    dispatch = make_dispatch(adapters, services, runs)
    observing = Observing(
        records=adapters.records,
        tracer=adapters.tracer,
        measuring=services.measuring,
        count_lost=adapters.metrics.lost,
    )
    return Work(
        handle_delivery=observing.delivery(inbox.handle),
        handle_check=observing.delivery(inbox.handle),
        execute_plan=observing.run("plan", dispatch.execute, ends=True),
        execute_change=observing.run("change", dispatch.execute, ends=True),
        announce_change=observing.run("announce", dispatch.announce, ends=False),
        report_plan=observing.run("report", dispatch.report, ends=False),
        report_change=observing.run("report", dispatch.report, ends=False),
        report_loss=lambda delivery: failed_deliveries.report(DeliveryId(delivery)),
        show_checks=services.statuses.show_checks,
        show_deployment=services.statuses.show_deployment,
        fold_comment=services.statuses.fold_comment,
        on_lost=observing.lost(runs.dead_letters.record),
    )

"""What handlers are given, and what the engine's workflows do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.composition.outside import Outside
from bot.composition.runs import Runs
from bot.composition.services import LOGIN, Services
from bot.context import Bot
from bot.domain.model import DeliveryId, RunId
from bot.engine.config import Call, Work
from bot.observing import Observing
from bot.services.outbox import Outbox
from handlers.apologies import Apologies
from handlers.inbox import Inbox


def make_bot(outside: Outside, services: Services, runs: Runs) -> Bot:
    """Return everything that a handler may use."""
    return Bot(
        rescues=services.rescues,
        records=outside.records,
        admission=outside.admission,
        github=outside.github,
        terraform=outside.terraform,
        clock=outside.clock,
        policies=services.policies,
        policy_checks=services.policy_checks,
        access=services.access,
        owners=services.owners,
        judging=services.judging,
        requesting=services.requesting,
        trees=services.trees,
        tenancy=services.tenancy,
        poster=services.poster,
        plan_comments=services.plan_comments,
        reporting=services.reporting,
        links=services.links,
        measuring=services.measuring,
        tracer=outside.tracer,
        people=services.people,
        waiting=runs.waiting,
        reverting=runs.reverting,
        restoring=runs.restores.asking,
        syncing=runs.syncing,
        outdating=services.outdating,
        queueing=services.queueing,
        closeouts=services.closeouts,
        drifting=runs.beside.drifting,
        parity=runs.beside.parity,
        refresh_turns=runs.beside.refresh_turns,
        login=LOGIN,
    )


def make_work(outside: Outside, services: Services, runs: Runs, bot: Bot) -> Work:
    """Return what the engine calls, by workflow."""
    inbox, apologies, outbox = Inbox(bot=bot), Apologies(bot=bot), Outbox(records=outside.records)
    admission = outside.admission
    observing = Observing(records=outside.records, tracer=outside.tracer, measuring=services.measuring)

    async def handle_delivery(argument: str) -> None:
        await inbox.handle(DeliveryId(argument))

    async def execute_plan(argument: str) -> None:
        await runs.plan_runs.execute(RunId(argument))
        await outbox.ended(RunId(argument))
        await services.tenancy.after_plan(RunId(argument))
        await services.ephemeral.after(RunId(argument))

    async def execute_change(argument: str) -> None:
        await runs.changing.execute(RunId(argument))
        await outbox.ended(RunId(argument))
        await services.tenancy.after_change(RunId(argument))
        await services.ephemeral.after(RunId(argument))
        await runs.beside.drifting.after_change(RunId(argument))

    async def announce_change(argument: str) -> None:
        await services.reporting.announce_change(RunId(argument))

    async def report_plan(argument: str) -> None:
        reverted = await runs.revert_reports.completed(RunId(argument))
        await services.reporting.report_plan(RunId(argument))
        await runs.code_reports.report(RunId(argument))
        await services.ephemeral_reports.report(RunId(argument))
        await runs.waiting.planned(RunId(argument))
        if reverted is not None:
            await runs.waiting.freed(reverted)

    async def report_change(argument: str) -> None:
        await runs.changing.report(RunId(argument))
        await services.ephemeral_reports.report(RunId(argument))

    async def report_loss(argument: str) -> None:
        await apologies.tell(DeliveryId(argument))

    async def lost(workflow: str, argument: str, error: str) -> None:
        outside.metrics.lost(workflow)
        await runs.losses.record(workflow, argument, error)

    return Work(
        handle_delivery=observing.delivery(handle_delivery),
        handle_check=observing.delivery(handle_delivery),
        execute_plan=observing.run("plan", _unless(admission.give_up, execute_plan), ends=True),
        execute_change=observing.run("change", _unless(admission.give_up, execute_change), ends=True),
        announce_change=observing.run("announce", _unless(admission.is_silent, announce_change), ends=False),
        report_plan=observing.run("report", _unless(admission.is_silent, report_plan), ends=False),
        report_change=observing.run("report", _unless(admission.is_silent, report_change), ends=False),
        report_loss=report_loss,
        on_lost=lost,
    )


def _unless(question: Callable[[RunId], Awaitable[bool]], call: Call) -> Call:
    """Return a call that does nothing for the runs to which the answer is yes."""

    async def guarded(argument: str) -> None:
        if not await question(RunId(argument)):
            await call(argument)

    return guarded

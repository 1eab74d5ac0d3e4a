"""`/cancel [RUN|PLAN]`."""

from __future__ import annotations

from bot.comments.answers.confirmations import canceled_comment
from bot.context import Answer, Bot, Reply, Request
from bot.domain.commands.parser import Command, CommandSpec, Parameter, ParameterKind
from bot.domain.core.model import Permission, PlanId, PlanStatus, RunId
from bot.domain.core.refusals import Reason, Refusal
from bot.services.pages.run_actions import cancel_one
from bot.services.runs.requests import OPEN_PLANS
from handlers.preconditions import not_theirs

SPEC = CommandSpec(
    name="cancel",
    usage="/cancel [RUN|PLAN]",
    summary="Stop the running plans of this pull request, one run, or drop a stored plan.",
    who="people with write access, for plans; a named run: its requester, owners and administrators",
    examples=("/cancel", "/cancel rab3cdefg9hjkmnp", "/cancel p7k2m9qa"),
    parameters=(Parameter(label="RUN|PLAN", kind=ParameterKind.RUN_OR_PLAN, required=False),),
    permission=Permission.WRITE,
    runs_pull_code=False,
    touches_state=False,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Request runs to end; Terraform gets time for its graceful end."""
    if command.run is not None:
        return [await _one_run(command.run, request, bot)]
    if command.plan is not None:
        return [await _one_plan(command.plan, request, bot)]
    trigger = request.trigger
    runs = await bot.run_requests.cancel_plans(
        trigger.repo.full_name, trigger.pull.number, by=trigger.actor, reverts=True
    )
    if not runs:
        return [
            Refusal(
                reason=Reason.NOT_FOUND,
                sentence="No plan of this pull request is running. An apply is stopped only by naming its run.",
                next_command="/status",
            )
        ]
    return [
        Reply(
            body=canceled_comment(
                what=[f"run {run.id}" for run in runs], by=trigger.actor, reference=trigger.correlation_id
            ),
        )
    ]


async def _one_run(run_id: RunId, request: Request, bot: Bot) -> Answer:
    trigger = request.trigger
    async with bot.records.read() as reader:
        run = await reader.run(run_id)
    if run is not None and (run.stack.repo, run.pull) == (trigger.repo.full_name, trigger.pull.number):
        refused = await not_theirs(run, request, bot)
        if refused is not None:
            return refused
    refused = await cancel_one(
        bot.records,
        bot.clock,
        run_id,
        repo=trigger.repo.full_name,
        pull=trigger.pull.number,
        by=trigger.actor,
    )
    if refused is not None:
        return refused
    return Reply(
        body=canceled_comment(what=[f"run {run_id}"], by=trigger.actor, reference=trigger.correlation_id),
    )


async def _one_plan(plan_id: PlanId, request: Request, bot: Bot) -> Answer:
    trigger = request.trigger
    async with bot.records.write() as writer:
        plan = await writer.plan(plan_id)
        if plan is None or plan.stack.repo != trigger.repo.full_name or plan.pull != trigger.pull.number:
            return _missing(f"There is no plan {plan_id} on this pull request.")
        if plan.status not in OPEN_PLANS:
            return _missing(f"Plan {plan_id} is {plan.status}; it cannot be dropped.")
        await writer.set_plan_status(plan_id, PlanStatus.CANCELED, f"dropped by {trigger.actor}")
    await bot.plan_comments.refresh(trigger.repo, plan_id)
    if plan.reverts_to is not None:
        # A pending revert paused the automatic plans of its stack.
        await bot.waiting.freed(plan.stack)
    return Reply(
        body=canceled_comment(what=[f"plan {plan_id}"], by=trigger.actor, reference=trigger.correlation_id),
    )


def _missing(sentence: str) -> Refusal:
    return Refusal(reason=Reason.NOT_FOUND, sentence=sentence, next_command="/status")

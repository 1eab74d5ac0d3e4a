"""`/cancel [RUN|PLAN]`."""

from __future__ import annotations

from bot.comments.confirmations import canceled_comment
from bot.context import Answer, Bot, Request, Said
from bot.domain.commands import Command, CommandSpec, Parameter, ParameterKind
from bot.domain.model import Permission, PlanId, PlanStatus, RunId
from bot.domain.refusals import Reason, Refusal
from bot.services.requesting import OPEN_PLANS
from bot.services.run_acts import cancel_one
from handlers import common

SPEC = CommandSpec(
    name="cancel",
    usage="/cancel [RUN|PLAN]",
    summary="Stop the running plans of this pull request, one run, or drop a stored plan.",
    who="anybody with write access for plans; a named run: who asked for it, owners and administrators",
    examples=("/cancel", "/cancel rab3cdefg9hjkmnp", "/cancel p7k2m9qa"),
    parameters=(Parameter(label="RUN|PLAN", kind=ParameterKind.RUN_OR_PLAN, required=False, repeated=False),),
    accepts_terraform_arguments=False,
    needs=Permission.WRITE,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Ask runs to end; Terraform is given time to end by itself."""
    refused = common.lacks_permission(SPEC, request)
    if refused is not None:
        return [refused]
    if command.run is not None:
        return [await _one_run(command.run, request, bot)]
    if command.plan is not None:
        return [await _one_plan(command.plan, request, bot)]
    wish = request.wish
    runs = await bot.requesting.cancel_plans(
        wish.repo.full_name, wish.pull.number, by=wish.actor, reverts=True
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
        Said(
            kind="status",
            body=canceled_comment(
                what=[f"run {run.id}" for run in runs], by=wish.actor, reference=wish.correlation_id
            ),
        )
    ]


async def _one_run(run_id: RunId, request: Request, bot: Bot) -> Answer:
    wish = request.wish
    async with bot.records.read() as reader:
        run = await reader.run(run_id)
    if run is not None and (run.stack.repo, run.pull) == (wish.repo.full_name, wish.pull.number):
        not_theirs = await common.not_theirs(run, request, bot)
        if not_theirs is not None:
            return not_theirs
    refused = await cancel_one(
        bot.records,
        bot.clock,
        run_id,
        repo=wish.repo.full_name,
        pull=wish.pull.number,
        by=wish.actor,
    )
    if refused is not None:
        return refused
    return Said(
        kind="status",
        body=canceled_comment(what=[f"run {run_id}"], by=wish.actor, reference=wish.correlation_id),
    )


async def _one_plan(plan_id: PlanId, request: Request, bot: Bot) -> Answer:
    wish = request.wish
    async with bot.records.write() as writer:
        plan = await writer.plan(plan_id)
        if plan is None or plan.stack.repo != wish.repo.full_name or plan.pull != wish.pull.number:
            return _missing(f"There is no plan {plan_id} on this pull request.")
        if plan.status not in OPEN_PLANS:
            return _missing(f"Plan {plan_id} is {plan.status}; it cannot be dropped.")
        await writer.set_plan_status(plan_id, PlanStatus.CANCELED, f"dropped by {wish.actor}")
    await bot.plan_comments.refresh(wish.repo, plan_id)
    if plan.reverts_to is not None:
        await bot.waiting.freed(plan.stack)
    return Said(
        kind="status",
        body=canceled_comment(what=[f"plan {plan_id}"], by=wish.actor, reference=wish.correlation_id),
    )


def _missing(sentence: str) -> Refusal:
    return Refusal(reason=Reason.NOT_FOUND, sentence=sentence, next_command="/status")

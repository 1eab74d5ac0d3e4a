"""`/apply ENV [PLAN]`."""

from __future__ import annotations

from bot.context import Answer, Bot, Request, Started
from bot.domain.commands import Command, CommandSpec, Parameter, ParameterKind
from bot.domain.gate_refusals import refusals
from bot.domain.gates import shut
from bot.domain.lock_words import held_sentence, opener
from bot.domain.model import Permission, PlanStatus, RunKind, Stack
from bot.domain.plan import Lock, PlanRecord
from bot.domain.refusals import Reason, Refusal
from bot.services.requesting import ACTIVE, choose_plan
from handlers import common

SPEC = CommandSpec(
    name="apply",
    usage="/apply ENV [PLAN] [-p PROJECT]",
    summary="Apply the reviewed plan of one environment: exactly that plan, or nothing.",
    who="whoever the environment's `apply.allow` names; write access at least",
    examples=("/apply staging", "/apply staging p7k2m9qa", "/apply prod -p network"),
    parameters=(
        Parameter(label="ENV", kind=ParameterKind.ENV, required=True, repeated=False),
        Parameter(label="PLAN", kind=ParameterKind.PLAN, required=False, repeated=False),
    ),
    accepts_terraform_arguments=False,
    needs=Permission.WRITE,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Ask the gates, hold the stack, queue the apply. Each stack answers for itself."""
    refused = common.closed(request) or await common.lacks_permission(SPEC, request, bot)
    if refused is not None:
        return [refused]
    chosen = common.choose_stacks(command, request)
    if isinstance(chosen, Refusal):
        return [chosen]
    stacks = chosen if command.project else await _planned(chosen, request, bot) or chosen[:1]
    return [answer for stack in stacks for answer in await _apply(stack, command, request, bot)]


async def _planned(stacks: tuple[Stack, ...], request: Request, bot: Bot) -> tuple[Stack, ...]:
    wish = request.wish
    async with bot.records.read() as reader:
        plans = await reader.plans(repo=wish.repo.full_name, pull=wish.pull.number)
    known = {(plan.stack.project, plan.stack.env) for plan in plans}
    return tuple(stack for stack in stacks if (stack.project, stack.env) in known)


async def _apply(stack: Stack, command: Command, request: Request, bot: Bot) -> list[Answer]:
    wish = request.wish
    again = common.plan_command(stack.env, stack.project)
    async with bot.records.read() as reader:
        plans = await reader.plans(repo=wish.repo.full_name, pull=wish.pull.number, stack=stack)
        runs = await reader.runs(repo=wish.repo.full_name, pull=wish.pull.number)
    ours = [run for run in runs if (run.stack.project, run.stack.env) == (stack.project, stack.env)]
    if any(run.kind is RunKind.APPLY and run.correlation_id == wish.correlation_id for run in ours):
        return [Started(runs=1)]  # The step is repeated after a crash; the first time it got this far.
    busy = [run for run in ours if run.status in ACTIVE]
    if any(run.kind is not RunKind.PLAN for run in busy):
        return [_refusal(Reason.ALREADY_RUNNING, f"{stack.label} is being changed already.", "/status")]
    if busy and command.plan is None:
        return [
            _refusal(Reason.NOT_YET, f"A new plan of {stack.label} is being made. Read it first.", "/status")
        ]
    plan = choose_plan(
        plans, named=command.plan, asked_at=wish.asked_at, env=stack.env, project=stack.project
    )
    if isinstance(plan, Refusal):
        return [plan]
    if plan.status is PlanStatus.NO_CHANGES:
        return [
            _refusal(
                Reason.NO_CHANGES, f"Plan {plan.id} changes nothing, so there is nothing to apply.", again
            )
        ]
    return await _judged(plan, request, bot)


async def _judged(plan: PlanRecord, request: Request, bot: Bot) -> list[Answer]:
    wish = request.wish
    gates = shut(await bot.judging.judge(wish.repo, wish.pull, request.loaded, plan, wish.actor))
    if any(gate.reason is Reason.LOCKED for gate in gates):
        await bot.waiting.refused(plan.stack, wish.pull.number)
    if gates:
        return list(refusals(gates))
    held = await bot.requesting.apply(wish, plan)
    if held is None:
        return [Started(runs=1)]
    await bot.waiting.refused(plan.stack, wish.pull.number)
    return [_held(held, plan)]


def _held(lock: Lock, plan: PlanRecord) -> Refusal:
    return Refusal(
        reason=Reason.LOCKED,
        sentence=held_sentence(lock, repo=plan.stack.repo),
        next_command=opener(lock, repo=plan.stack.repo),
    )


def _refusal(reason: Reason, sentence: str, next_command: str | None) -> Refusal:
    return Refusal(reason=reason, sentence=sentence, next_command=next_command)

"""`/apply ENV [PLAN]`."""

from __future__ import annotations

from collections.abc import Sequence

from bot.comments.sequence import sequence_started_comment
from bot.context import Answer, Bot, Request, Said, Started
from bot.domain.commands import Command, CommandSpec, Parameter, ParameterKind
from bot.domain.gate_refusals import refusals as refusals_of
from bot.domain.gates import shut
from bot.domain.lock_words import held_sentence, opener
from bot.domain.model import OperationKind, Permission, PlanLane, PlanStatus, RunKind, Stack
from bot.domain.plan import Lock, PlanRecord
from bot.domain.plan_choice import choose_plan
from bot.domain.refusals import Reason, Refusal
from bot.services.requesting import ACTIVE
from handlers import common

_MOST_ACTIVE = 1000
"""Runs of a pull request that have not ended, among which an apply of the stack must not be overlooked."""
_MOST_PLANS = 10_000
"""Plans of a pull request, among which those of no project must be overlooked."""

SPEC = CommandSpec(
    name="apply",
    usage="/apply ENV [PLAN] [-p PROJECT]",
    summary="Apply the reviewed plan of one environment: exactly that plan, or nothing; several projects in their order.",
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
    """Ask the gates of every stack that is left, then hold all of them and queue the applies in order.

    Where one is refused, none is begun.
    """
    refused = common.lacks_permission(SPEC, request)
    if refused is None and not await _goes_back(command, request, bot):
        refused = common.closed(request)
    if refused is not None:
        return [refused]
    chosen = common.choose_stacks(command, request)
    if isinstance(chosen, Refusal):
        return [chosen]
    if await _is_repeated(request, bot):
        return [Started(runs=1)]
    stacks = await planned(chosen, command, request, bot)
    found = [await _candidate(stack, command, request, bot) for stack in stacks]
    if len(found) > 1:
        found = [item for item in found if not _is_done(item)] or found[:1]
    plans = [item for item in found if isinstance(item, PlanRecord)]
    refusals = [item for item in found if isinstance(item, Refusal)]
    for plan in plans:
        refusals += await _shut(plan, request, bot)
    return list[Answer](refusals) if refusals else await _start(plans, request, bot)


async def _goes_back(command: Command, request: Request, bot: Bot) -> bool:
    """Whether a revert's plan is meant, or may be: those are applied on closed pull requests too."""
    wish = request.wish
    async with bot.records.read() as reader:
        if command.plan is not None:
            return await reader.revert_of(command.plan) is not None
        plans = await reader.plan_outlines(
            repo=wish.repo.full_name,
            pull=wish.pull.number,
            statuses=(PlanStatus.PLANNED,),
            limit=_MOST_PLANS,
        )
    return any(plan.reverts_to is not None and plan.stack.env == command.env for plan in plans)


async def _is_repeated(request: Request, bot: Bot) -> bool:
    """Whether the step is repeated after a crash, and got as far as the queue the first time."""
    wish = request.wish
    async with bot.records.read() as reader:
        runs = await reader.runs(
            repo=wish.repo.full_name, pull=wish.pull.number, kinds=(RunKind.APPLY, RunKind.REVERT)
        )
    return any(run.correlation_id == wish.correlation_id for run in runs)


async def planned(
    stacks: tuple[Stack, ...], command: Command, request: Request, bot: Bot
) -> tuple[Stack, ...]:
    """Return the stack of the named plan or project, else all that this pull request has planned."""
    wish = request.wish
    async with bot.records.read() as reader:
        plans = await reader.plan_outlines(repo=wish.repo.full_name, pull=wish.pull.number, limit=_MOST_PLANS)
    named = [plan.stack.project for plan in plans if plan.id == command.plan]
    if named:
        return tuple(stack for stack in stacks if stack.project in named) or stacks[:1]
    known = {(plan.stack.project, plan.stack.env) for plan in plans}
    every = tuple(stack for stack in stacks if (stack.project, stack.env) in known)
    return stacks[:1] if command.plan is not None or not every else every


async def _candidate(stack: Stack, command: Command, request: Request, bot: Bot) -> PlanRecord | Refusal:
    wish = request.wish
    async with bot.records.read() as reader:
        plans = await reader.plans(repo=wish.repo.full_name, pull=wish.pull.number, stack=stack)
        runs = await reader.runs(
            repo=wish.repo.full_name, pull=wish.pull.number, statuses=ACTIVE, limit=_MOST_ACTIVE
        )
    own = [run for run in runs if (run.stack.project, run.stack.env) == (stack.project, stack.env)]
    busy = [run for run in own if run.kind is not RunKind.VERIFY]
    if any(run.kind is not RunKind.PLAN for run in busy):
        return _refusal(Reason.ALREADY_RUNNING, f"{stack.label} is being changed already.", "/status")
    if busy and command.plan is None:
        return _refusal(
            Reason.NOT_YET, f"A new plan of {stack.label} is being made. Read it first.", "/status"
        )
    waiting = next((plan for plan in plans if _is_named_only(plan, bot)), None)
    if waiting is not None and command.plan is None:
        return _ambiguous(stack, waiting, plans)
    plan = choose_plan(
        plans if command.plan is not None else [plan for plan in plans if plan.lane is PlanLane.CODE],
        named=command.plan,
        asked_at=wish.asked_at,
        env=stack.env,
        project=stack.project,
        is_possible=request.loaded.policy.environment(stack.env).apply.is_possible,
    )
    if isinstance(plan, PlanRecord) and plan.status is PlanStatus.NO_CHANGES:
        again = "/status" if plan.lane is not PlanLane.CODE else common.plan_command(stack.env, stack.project)
        return _refusal(
            Reason.NO_CHANGES, f"Plan {plan.id} changes nothing, so there is nothing to apply.", again
        )
    return plan


def _is_named_only(plan: PlanRecord, bot: Bot) -> bool:
    """Whether a revert or a state operation waits, beside which no other plan is meant by itself."""
    open_still = plan.status is PlanStatus.PLANNED and bot.clock.now() < plan.expires_at
    return plan.lane is not PlanLane.CODE and open_still


def _ambiguous(stack: Stack, waiting: PlanRecord, plans: Sequence[PlanRecord]) -> Refusal:
    forward = [plan for plan in plans if plan.lane is PlanLane.CODE and plan.status is PlanStatus.PLANNED]
    what, does = _described(waiting)
    said = [f"`/apply {stack.env} {waiting.id}` {does}"]
    said += [f"`/apply {stack.env} {plan.id}` goes forward" for plan in forward[:1]]
    return Refusal(
        reason=Reason.AMBIGUOUS_PLAN,
        sentence=f"A {what} of {stack.label} is planned, so say which plan you mean.",
        next_command=f"/apply {stack.env} {waiting.id}",
        detail=(*said, f"`/cancel {waiting.id}` drops the {what}"),
    )


def _described(plan: PlanRecord) -> tuple[str, str]:
    """Return what waits, and what applying it does."""
    if plan.operation is None:
        return "revert", f"goes back to release {plan.reverts_to}"
    done = "imports" if plan.operation.kind is OperationKind.IMPORT else "takes out of the state:"
    return "state operation", f"{done} {plan.operation.address}"


def _is_done(found: PlanRecord | Refusal) -> bool:
    """Whether nothing is left of a stack among several."""
    if isinstance(found, Refusal):
        return found.reason is Reason.NO_CHANGES
    return found.status is PlanStatus.APPLIED


async def _shut(plan: PlanRecord, request: Request, bot: Bot) -> list[Refusal]:
    wish = request.wish
    gates = shut(await bot.judging.judge(wish.repo, wish.pull, request.loaded, plan, wish.actor))
    if any(gate.reason is Reason.LOCKED for gate in gates):
        await bot.waiting.refused(plan.stack, wish.pull.number)
    return list(refusals_of(gates)) if gates else []


async def _start(plans: list[PlanRecord], request: Request, bot: Bot) -> list[Answer]:
    wish = request.wish
    held = await bot.requesting.apply(wish, plans)
    if held is not None:
        for plan in plans:
            if plan.stack.state_key == held.stack.state_key:
                await bot.waiting.refused(plan.stack, wish.pull.number)
        return [_held(held, wish.repo.full_name)]
    started = Started(runs=len(plans))
    if len(plans) == 1:
        return [started]
    body = sequence_started_comment(plans=plans, reference=wish.correlation_id)
    return [Said(kind="sequence", body=body), started]


def _held(lock: Lock, repo: str) -> Refusal:
    return Refusal(
        reason=Reason.LOCKED,
        sentence=held_sentence(lock, repo=repo),
        next_command=opener(lock, repo=repo),
    )


def _refusal(reason: Reason, sentence: str, next_command: str | None) -> Refusal:
    return Refusal(reason=reason, sentence=sentence, next_command=next_command)

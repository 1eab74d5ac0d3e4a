"""`/apply ENV [PLAN]`."""

from __future__ import annotations

from collections.abc import Sequence

from bot.comments.markdown.words import command as command_for
from bot.context import Answer, Bot, Request, Started
from bot.domain.commands.parser import Command, CommandSpec, Parameter, ParameterKind, StackChoice
from bot.domain.core.model import OperationKind, Permission, PlanLane, PlanStatus, RunKind, Stack
from bot.domain.core.refusals import Reason, Refusal
from bot.domain.core.run_kinds import BLOCKING_APPLY, QUEUED_BY_APPLY
from bot.domain.core.run_lifecycle import ACTIVE
from bot.domain.gates import shut
from bot.domain.gates.lock_sentences import how_to_unlock, locked_sentence
from bot.domain.gates.refusals import refusals as refusals_of
from bot.domain.plans.choice import choose_plan
from bot.domain.plans.plan import Lock, PlanRecord
from handlers.preconditions import closed

_MOST_ACTIVE = 1000
"""Number of unfinished runs of a pull request that are searched for applies of the stack."""
_MOST_PLANS = 10_000
"""Plans of a pull request, among which those of no project must be overlooked."""

SPEC = CommandSpec(
    name="apply",
    usage="/apply ENV [PLAN] [-p PROJECT]",
    summary="Apply the reviewed plan of one environment: exactly that plan, or nothing; several projects in their order.",
    who="people whom the environment's `apply.allow` names, with write access at least",
    examples=("/apply staging", "/apply staging p7k2m9qa", "/apply prod -p network"),
    parameters=(
        Parameter(kind=ParameterKind.ENV, note="Left out, it never means prod."),
        Parameter(label="PLAN", kind=ParameterKind.PLAN, required=False),
    ),
    permission=Permission.WRITE,
    stacks=StackChoice.EVERY,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Judge the gates of all stacks, then lock the stacks and queue the applies in order."""
    # A revert is applied on closed pull requests too, so this is no question of the spec.
    refused = closed(request)
    if refused is not None and not await _may_be_revert(command, request, bot):
        return [refused]
    # A step that is repeated after a crash must not be refused because of its own runs.
    if await _is_repeated(request, bot):
        return [Started(runs=1)]
    stacks = await planned(request.stacks, command, request, bot)
    found = [await _candidate(stack, command, request, bot) for stack in stacks]
    # Of several projects, those that are done need nothing more; the first stays for its refusal.
    if len(found) > 1:
        found = [item for item in found if not _is_done(item)] or found[:1]
    plans = [item for item in found if isinstance(item, PlanRecord)]
    refusals = [item for item in found if isinstance(item, Refusal)]
    for plan in plans:
        refusals += await _shut(plan, request, bot)
    # All or none: an apply of some projects would leave the others to a second command.
    return list[Answer](refusals) if refusals else await _start(plans, request, bot)


async def _may_be_revert(command: Command, request: Request, bot: Bot) -> bool:
    """Whether a revert's plan may be meant."""
    trigger = request.trigger
    async with bot.records.read() as reader:
        if command.plan is not None:
            return await reader.revert_of(command.plan) is not None
        plans = await reader.plan_outlines(
            repo=trigger.repo.full_name,
            pull=trigger.pull.number,
            statuses=(PlanStatus.PLANNED,),
            limit=_MOST_PLANS,
        )
    return any(plan.reverts_to is not None and plan.stack.env == command.env for plan in plans)


async def _is_repeated(request: Request, bot: Bot) -> bool:
    """Whether the step is repeated after a crash, and got as far as the queue the first time."""
    trigger = request.trigger
    async with bot.records.read() as reader:
        runs = await reader.runs(repo=trigger.repo.full_name, pull=trigger.pull.number, kinds=QUEUED_BY_APPLY)
    return any(run.correlation_id == trigger.correlation_id for run in runs)


async def planned(
    stacks: tuple[Stack, ...], command: Command, request: Request, bot: Bot
) -> tuple[Stack, ...]:
    """Return the stack of the named plan, else all that this pull request has planned."""
    trigger = request.trigger
    async with bot.records.read() as reader:
        plans = await reader.plan_outlines(
            repo=trigger.repo.full_name, pull=trigger.pull.number, limit=_MOST_PLANS
        )
    named = [plan.stack.project for plan in plans if plan.id == command.plan]
    if named:
        return tuple(stack for stack in stacks if stack.project in named) or stacks[:1]
    known = {(plan.stack.project, plan.stack.env) for plan in plans}
    every = tuple(stack for stack in stacks if (stack.project, stack.env) in known)
    return stacks[:1] if command.plan is not None or not every else every


async def _candidate(stack: Stack, command: Command, request: Request, bot: Bot) -> PlanRecord | Refusal:
    trigger = request.trigger
    async with bot.records.read() as reader:
        plans = await reader.plans(repo=trigger.repo.full_name, pull=trigger.pull.number, stack=stack)
        runs = await reader.runs(
            repo=trigger.repo.full_name, pull=trigger.pull.number, statuses=ACTIVE, limit=_MOST_ACTIVE
        )
    own = [run for run in runs if (run.stack.project, run.stack.env) == (stack.project, stack.env)]
    if any(run.kind in BLOCKING_APPLY for run in own):
        return _refusal(Reason.ALREADY_RUNNING, f"A change of {stack.label} is running.", "/status")
    if any(run.kind is RunKind.PLAN for run in own) and command.plan is None:
        return _refusal(
            Reason.NOT_YET, f"A new plan of {stack.label} is being made. Read it first.", "/status"
        )
    waiting = next((plan for plan in plans if _is_named_only(plan, bot)), None)
    if waiting is not None and command.plan is None:
        return _ambiguous(stack, waiting, plans)
    plan = choose_plan(
        plans if command.plan is not None else [plan for plan in plans if plan.lane is PlanLane.CODE],
        named=command.plan,
        asked_at=trigger.asked_at,
        env=stack.env,
        project=stack.project,
        is_possible=request.loaded.policy.environment(stack.env).apply.is_possible,
    )
    if isinstance(plan, PlanRecord) and plan.status is PlanStatus.NO_CHANGES:
        again = "/status" if plan.lane is not PlanLane.CODE else command_for("plan", stack)
        return _refusal(
            Reason.NO_CHANGES, f"Plan {plan.id} changes nothing, so there is nothing to apply.", again
        )
    return plan


def _is_named_only(plan: PlanRecord, bot: Bot) -> bool:
    """Whether the plan must be named: that of a pending revert or state operation."""
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
    trigger = request.trigger
    results = await bot.judging.judge(
        trigger.repo, trigger.pull, request.loaded, plan, trigger.actor, held=request.permission
    )
    gates = shut(results)
    if any(gate.reason is Reason.LOCKED for gate in gates):
        await bot.waiting.refused(plan.stack, trigger.pull.number)
    return list(refusals_of(gates)) if gates else []


async def _start(plans: list[PlanRecord], request: Request, bot: Bot) -> list[Answer]:
    trigger = request.trigger
    lock = await bot.run_requests.apply(trigger, plans)
    if lock is not None:
        for plan in plans:
            if plan.stack.state_key == lock.stack.state_key:
                await bot.waiting.refused(plan.stack, trigger.pull.number)
        return [_locked(lock, trigger.repo.full_name)]
    return [Started(runs=len(plans))]


def _locked(lock: Lock, repo: str) -> Refusal:
    return Refusal(
        reason=Reason.LOCKED,
        sentence=locked_sentence(lock, repo=repo),
        next_command=how_to_unlock(lock, repo=repo),
    )


def _refusal(reason: Reason, sentence: str, next_command: str | None) -> Refusal:
    return Refusal(reason=reason, sentence=sentence, next_command=next_command)

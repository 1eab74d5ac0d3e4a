"""Which command is worth offering next: only one that would not be refused for a reason known already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.comments.status import StatusRow, plan_step
from bot.comments.words import Step, apply_command, command
from bot.domain.gates import JUDGED
from bot.domain.model import PlanStatus, PullRequest, Run, RunKind, RunStatus
from bot.domain.plan import Lock, PlanRecord
from bot.domain.state_operations import command_of
from bot.policy import EnvironmentPolicy, RepoPolicy
from bot.ports.outlines import PlanOutline


def after_plan(plan: PlanRecord, env: EnvironmentPolicy, held: Lock | None) -> tuple[Step, ...]:
    """Return what to offer under a plan comment; empty where the usual offers fit."""
    planning = (
        command("plan", plan.stack) if plan.operation is None else command_of(plan.operation, plan.stack)
    )
    again = Step(sentence="To plan anew", command=planning)
    if plan.status is not PlanStatus.PLANNED or plan.reverts_to is not None:
        return ()
    if held is not None:
        free = f"Once pull request {held.pull} is merged or has given it up, to plan anew"
        return (Step(sentence=free, command=planning),)
    closed = why_closed(env)
    return (Step(sentence=closed), again) if closed else ()


def why_closed(env: EnvironmentPolicy) -> str | None:
    """Return why no apply of the environment can succeed whatever people do; None when one can."""
    if not env.apply.is_possible:
        return f"This plan is for reading: the policy lets nobody apply {env.name}"
    unknown = [gate for gate in env.apply.gates if gate not in JUDGED]
    if unknown:
        names = ", ".join(unknown)
        return f"This plan is for reading: {env.name} asks for gates that this version cannot judge ({names})"
    return None


def after_apply(run: Run, policy: RepoPolicy, plans: Sequence[PlanOutline]) -> tuple[Step, ...]:
    """Return what to offer under an apply that went well: the way on to where its release is promoted, if planned."""
    if run.kind is not RunKind.APPLY or run.status is not RunStatus.SUCCEEDED or run.operation is not None:
        return ()
    planned = {
        plan.stack.env
        for plan in plans
        if plan.status is PlanStatus.PLANNED
        and plan.head_sha == run.head_sha
        and plan.stack.project == run.stack.project
    }
    return tuple(
        Step(
            sentence=f"To see what opens {env} now",
            command=command("gates", replace(run.stack, env=env)),
        )
        for env in policy.environments
        if env in planned and policy.environment(env).apply.promote_from == run.stack.env
    )


def after_status(pull: PullRequest, policy: RepoPolicy, rows: Sequence[StatusRow]) -> tuple[Step, ...]:
    """Return what to offer under `/status`; empty where the usual offers fit."""
    back = _way_back(rows)
    if back:
        return back
    if not pull.is_open:
        return (
            Step(
                sentence="The pull request is closed: nothing but a revert is planned or applied from it any more"
            ),
        )
    waiting = [row for row in rows if row.plan is not None and row.plan.status is PlanStatus.PLANNED]
    if not waiting or all(why_closed(policy.environment(row.stack.env)) is None for row in waiting):
        return ()
    ready = [row for row in waiting if _is_ready(row, pull, policy)]
    return tuple(
        Step(sentence=f"To apply the plan of {row.stack.label}", command=apply_command(row.stack, row.plan))
        for row in ready
    ) or (plan_step(rows),)


def _way_back(rows: Sequence[StatusRow]) -> tuple[Step, ...]:
    """Return how to go on with reverts that are planned, and with those that did not end well."""
    steps = []
    for row in rows:
        plan = row.plan
        if plan is None or plan.reverts_to is None:
            continue
        if plan.status is PlanStatus.PLANNED:
            said = f"To take {row.stack.label} back to {plan.reverts_to}"
            steps.append(Step(sentence=said, command=command("apply", row.stack, plan.id)))
        elif plan.status in {PlanStatus.FAILED, PlanStatus.STALE}:
            said = f"The revert of {row.stack.label} did not come to its end: to plan what is left of it"
            again = command("revert", row.stack, "to", str(plan.reverts_to))
            steps.append(Step(sentence=said, command=again))
    return tuple(steps)


def _is_ready(row: StatusRow, pull: PullRequest, policy: RepoPolicy) -> bool:
    ours = row.lock is None or row.lock.pull == pull.number
    current = row.plan is not None and row.plan.head_sha == pull.head_sha
    return ours and current and why_closed(policy.environment(row.stack.env)) is None

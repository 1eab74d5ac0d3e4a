"""Decides which commands to offer next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.comments.answers.status import StatusRow, plan_step
from bot.comments.markdown.words import Step, apply_command, command
from bot.comments.runs.plan_notes import locked_step, pull_link
from bot.domain.core.heads import is_of_head
from bot.domain.core.model import PlanStatus, PullRequest, Run, RunKind, RunStatus
from bot.domain.gates import names
from bot.domain.plans.plan import Lock, PlanRecord
from bot.domain.state.operations import command_of
from bot.policy import EnvironmentPolicy, RepoPolicy
from bot.ports.records.outlines import PlanOutline


def after_plan(plan: PlanRecord, env: EnvironmentPolicy, held: Lock | None) -> tuple[Step, ...]:
    """Return the steps to offer below a plan comment; empty if the usual ones fit."""
    planning = (
        command("plan", plan.stack) if plan.operation is None else command_of(plan.operation, plan.stack)
    )
    again = Step(sentence="To re-plan", command=planning)
    if plan.status is not PlanStatus.PLANNED or plan.reverts_to is not None:
        return ()
    if held is not None:
        who, is_tenanted = pull_link(held, plan.stack), env.lifecycle != "permanent"
        return (locked_step(plan.stack.label, who, planning, is_tenanted=is_tenanted),)
    # A command that would be refused is not offered.
    closed = why_closed(env)
    return (Step(sentence=closed), again) if closed else ()


def why_closed(env: EnvironmentPolicy) -> str | None:
    """Return why no apply of the environment can succeed; None if one can."""
    if not env.apply.is_possible:
        return f"Plan only: `{env.name}` has no `apply.allow`, so nobody can apply it"
    unknown = [gate for gate in env.apply.gates if gate not in names()]
    if unknown:
        listed = ", ".join(unknown)
        return f"Plan only: `{env.name}` requires gates that this version does not have ({listed})"
    return None


def after_apply(run: Run, policy: RepoPolicy, plans: Sequence[PlanOutline]) -> tuple[Step, ...]:
    """Return the steps to offer below a successful apply.

    They lead to environments that the release can be promoted to, if those are planned.
    """
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
    """Return the steps to offer below `/status`; empty if the usual ones fit."""
    # Reverts come first: they are the only steps that are possible on a merged pull request as well.
    reverts = _revert_steps(rows)
    if reverts:
        return reverts
    if not pull.is_open:
        return (Step(sentence="The pull request is closed: only a revert can be planned or applied from it"),)
    waiting = [row for row in rows if row.plan is not None and row.plan.status is PlanStatus.PLANNED]
    if not waiting or all(why_closed(policy.environment(row.stack.env)) is None for row in waiting):
        return ()
    ready = [row for row in waiting if _is_ready(row, pull, policy)]
    return tuple(
        Step(sentence=f"To apply the plan of {row.stack.label}", command=apply_command(row.stack, row.plan))
        for row in ready
    ) or (plan_step(rows),)


def _revert_steps(rows: Sequence[StatusRow]) -> tuple[Step, ...]:
    """Return the steps for reverts that are planned, and for those that failed or became stale."""
    steps = []
    for row in rows:
        plan = row.plan
        if plan is None or plan.reverts_to is None:
            continue
        if plan.status is PlanStatus.PLANNED:
            said = f"To revert {row.stack.label} to {plan.reverts_to}"
            steps.append(Step(sentence=said, command=command("apply", row.stack, plan.id)))
        elif plan.status in {PlanStatus.FAILED, PlanStatus.STALE}:
            said = f"The revert of {row.stack.label} was not completed; to plan what is left of it"
            again = command("revert", row.stack, "to", str(plan.reverts_to))
            steps.append(Step(sentence=said, command=again))
    return tuple(steps)


def _is_ready(row: StatusRow, pull: PullRequest, policy: RepoPolicy) -> bool:
    ours = row.lock is None or row.lock.pull == pull.number
    current = row.plan is not None and is_of_head(row.plan, pull)
    return ours and current and why_closed(policy.environment(row.stack.env)) is None

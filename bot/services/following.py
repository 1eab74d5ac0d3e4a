"""Runs that follow from another one, and the job that a run is."""

from __future__ import annotations

from datetime import datetime

from bot.domain.model import PlanId, Run, RunKind, Stack, StateOperation
from bot.ports import Job, NewRun
from bot.services.ids import new_run_id


def following(
    run: Run,
    now: datetime,
    *,
    kind: RunKind,
    dedupe_key: str,
    plan_id: PlanId | None = None,
    arguments: tuple[str, ...] = (),
    operation: StateOperation | None = None,
) -> NewRun:
    """Return a run that follows from `run` by itself, for the same people and commits."""
    return NewRun(
        id=new_run_id(now),
        kind=kind,
        stack=run.stack,
        installation_id=run.installation_id,
        pull=run.pull,
        head_sha=run.head_sha,
        base_sha=run.base_sha,
        actor=run.actor,
        comment_id=None,
        plan_id=plan_id,
        arguments=arguments,
        policy_digest=run.policy_digest,
        correlation_id=run.correlation_id,
        dedupe_key=dedupe_key,
        operation=operation,
    )


def job_of(run: Run | NewRun) -> Job:
    """Return the durable job that executes a run: plans side by side, changes one by one per state."""
    if run.kind is RunKind.PLAN:
        return Job(
            workflow="execute_plan",
            id=f"run-{run.id}",
            argument=run.id,
            queue="plans",
            partition=run.stack.repo,
            environment=_environment(run.stack),
        )
    return Job(
        workflow="execute_change",
        id=f"run-{run.id}",
        argument=run.id,
        queue="changes",
        partition=run.stack.state_key,
        environment=_environment(run.stack),
    )


def _environment(stack: Stack) -> str:
    return f"{stack.repo} {stack.env}"

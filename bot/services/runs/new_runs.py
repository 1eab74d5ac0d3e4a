"""Recording and queueing runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.domain.core.accounts import Account
from bot.domain.core.model import PlanId, Run, RunKind, Sha, Stack, StateOperation
from bot.domain.core.workflows import EXECUTE_CHANGE, EXECUTE_PLAN
from bot.ports import Job, NewRun, Writer
from bot.services.runs.ids import new_run_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Who started a run, for which commits, and the run or delivery that caused it."""

    installation_id: int
    actor: Account
    correlation_id: str
    pull: int | None = None
    head_sha: Sha | None = None
    base_sha: Sha | None = None
    head_number: int | None = None
    comment_id: int | None = None
    policy_digest: str | None = None


def new_run(
    cause: Cause,
    now: datetime,
    kind: RunKind,
    stack: Stack,
    *,
    dedupe_key: str,
    plan_id: PlanId | None = None,
    arguments: tuple[str, ...] = (),
    operation: StateOperation | None = None,
) -> NewRun:
    """Return a run that is not recorded yet; of one dedupe key only the first is recorded."""
    return NewRun(
        id=new_run_id(now),
        kind=kind,
        stack=stack,
        installation_id=cause.installation_id,
        pull=cause.pull,
        head_sha=cause.head_sha,
        base_sha=cause.base_sha,
        actor=cause.actor,
        comment_id=cause.comment_id,
        plan_id=plan_id,
        arguments=arguments,
        policy_digest=cause.policy_digest,
        correlation_id=cause.correlation_id,
        dedupe_key=dedupe_key,
        operation=operation,
        head_number=cause.head_number,
    )


def follow_up(run: Run) -> Cause:
    """Return the cause of what follows automatically from a run: the same people and commits."""
    return Cause(
        installation_id=run.installation_id,
        actor=run.actor,
        correlation_id=run.correlation_id,
        pull=run.pull,
        head_sha=run.head_sha,
        base_sha=run.base_sha,
        head_number=run.head_number,
        policy_digest=run.policy_digest,
    )


async def queue_run(writer: Writer, new: NewRun, now: datetime) -> Run | None:
    """Record a run and queue its job; None, and nothing is queued, when its dedupe key is known."""
    run = await writer.add_run(new, now)
    if run is not None:
        await writer.enqueue(job_of(run))
    return run


def job_of(run: Run | NewRun) -> Job:
    """Return the durable job that executes a run.

    Plans side by side, changes one by one per state.
    """
    is_plan = run.kind is RunKind.PLAN
    workflow = EXECUTE_PLAN if is_plan else EXECUTE_CHANGE
    return Job(
        workflow=workflow.name,
        id=f"run-{run.id}",
        argument=run.id,
        queue=workflow.queue,
        partition=run.stack.repo if is_plan else run.stack.state_key,
        environment=_environment(run.stack),
        asked=run.comment_id is not None,
    )


def _environment(stack: Stack) -> str:
    return f"{stack.repo} {stack.env}"

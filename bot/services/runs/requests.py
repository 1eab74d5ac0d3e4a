"""Record and queue the runs that a comment, a push or a button requests."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.core.accounts import Account
from bot.domain.core.heads import is_of_head
from bot.domain.core.model import (
    FailureClass,
    PlanId,
    PlanStatus,
    PullRequest,
    Repo,
    Run,
    RunKind,
    RunStatus,
    Stack,
    StateKey,
    StateOperation,
)
from bot.domain.core.run_lifecycle import ACTIVE
from bot.domain.plans.plan import Lock, PlanRecord
from bot.ports import Clock, NewRun, PlanOutline, Records, Writer
from bot.services.runs.new_runs import Cause, job_of, new_run, queue_run
from bot.services.runs.sequences import continue_sequence, lock_later_stacks
from bot.services.stacks import locking

OPEN_PLANS = (PlanStatus.PLANNED, PlanStatus.NO_CHANGES)
_MOST = 10_000
"""Maximum number of plans of a pull request, and of its plan runs; all of them become stale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """Who requested something, for which pull request, because of which delivery."""

    repo: Repo
    pull: PullRequest
    actor: Account
    comment_id: int | None
    asked_at: datetime
    """When the comment was written, in GitHub's time; plans posted later are not meant by it."""
    correlation_id: str
    policy_digest: str | None = None
    dedupe: str | None = None
    """Key of repetitions; the delivery if None."""

    def run(
        self,
        now: datetime,
        kind: RunKind,
        stack: Stack,
        *,
        plan: PlanId | None = None,
        arguments: tuple[str, ...] = (),
        operation: StateOperation | None = None,
    ) -> NewRun:
        """Return the requested run; repetitions have the same dedupe key."""
        cause = Cause(
            installation_id=self.repo.installation_id,
            actor=self.actor,
            correlation_id=self.correlation_id,
            pull=self.pull.number,
            head_sha=self.pull.head_sha,
            base_sha=self.pull.base_sha,
            head_number=self.pull.head_number,
            comment_id=self.comment_id,
            policy_digest=self.policy_digest,
        )
        return new_run(
            cause,
            now,
            kind,
            stack,
            dedupe_key=f"{kind}:{self.dedupe or self.correlation_id}:{stack.project}:{stack.env}",
            plan_id=plan,
            arguments=arguments,
            operation=operation,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequests:
    """Records runs."""

    records: Records
    clock: Clock

    async def plans(
        self,
        trigger: Trigger,
        stacks: Sequence[Stack],
        arguments: tuple[str, ...],
        *,
        operation: StateOperation | None = None,
    ) -> tuple[Run, ...]:
        """Queue one plan per stack; safe to repeat for the same delivery."""
        queued: list[Run] = []
        async with self.records.write() as writer:
            for stack in stacks:
                now = self.clock.now()
                new = trigger.run(now, RunKind.PLAN, stack, arguments=arguments, operation=operation)
                run = await queue_run(writer, new, now)
                queued += [] if run is None else [run]
        return tuple(queued)

    async def apply(self, trigger: Trigger, plans: Sequence[PlanRecord]) -> Lock | None:
        """Lock the stacks for the pull request and queue the applies in this order.

        Returns the first lock of another pull request; nothing is locked or queued then.
        """
        now = self.clock.now()
        async with self.records.write() as writer:
            await locking.lock_rows(writer, [plan.stack for plan in plans])
            for plan in plans:
                held = await writer.lock(plan.stack)
                if held is not None and (held.stack.repo, held.pull) != (
                    trigger.repo.full_name,
                    trigger.pull.number,
                ):
                    return held
            for place, plan in enumerate(plans):
                kind = RunKind.APPLY if plan.reverts_to is None else RunKind.REVERT
                new = trigger.run(now, kind, plan.stack, plan=plan.id, operation=plan.operation)
                run = await writer.add_run(new, now)
                if run is None:
                    return None
                await locking.take(writer, _lock_for(trigger, run, plan, now), cause=trigger.correlation_id)
                if place == 0:
                    await writer.enqueue(job_of(run))
        return None

    async def cancel_plans(self, repo: str, pull: int, *, by: Account, reverts: bool) -> tuple[Run, ...]:
        """Cancel queued and running plans of the pull request; those of reverts only with `reverts`."""
        async with self.records.write() as writer:
            return await _cancel(writer, repo, pull, by=by, now=self.clock.now(), reverts=reverts)

    async def supersede(
        self,
        repo: str,
        pull: int,
        *,
        by: Account,
        why: str,
        unless_head: PullRequest | None = None,
    ) -> tuple[PlanOutline, ...]:
        """Cancel the running plans of a pull request and mark its open ones stale.

        Those of the head of `unless_head` are kept, and those of reverts, which plan an older release's code.
        Returns the plans that were marked.
        """
        async with self.records.write() as writer:
            await _cancel(writer, repo, pull, by=by, now=self.clock.now(), unless_head=unless_head)
            plans = await writer.plan_outlines(repo=repo, pull=pull, statuses=OPEN_PLANS, limit=_MOST)
            old = tuple(
                plan
                for plan in plans
                if plan.reverts_to is None and (unless_head is None or not is_of_head(plan, unless_head))
            )
            for plan in old:
                await writer.set_plan_status(plan.id, PlanStatus.STALE, why)
        return old

    async def release_locks(
        self,
        repo: str,
        pull: int,
        *,
        by: Account,
        why: str,
        cause: str,
        but: Collection[StateKey] = (),
    ) -> tuple[Stack, ...]:
        """Release the states that the pull request locks, except `but`.

        Returns what was released for this `cause`, now or by an earlier try: their waiting pull requests may
        not be notified yet.
        """
        async with self.records.write() as writer:
            locks = [
                lock for lock in await writer.locks(repo=repo, pull=pull) if lock.stack.state_key not in but
            ]
            await locking.lock_rows(writer, [lock.stack for lock in locks])
            for lock in locks:
                await locking.release(writer, lock, by=by, why=why, at=self.clock.now(), cause=cause)
            return await locking.released_by(writer, repo, pull, cause=cause)


def _lock_for(trigger: Trigger, run: Run, plan: PlanRecord, now: datetime) -> Lock:
    return Lock(
        stack=plan.stack,
        pull=trigger.pull.number,
        holder=trigger.actor,
        run_id=run.id,
        since=now,
        reason=f"plan {plan.id} is being applied or was applied",
    )


async def _cancel(
    writer: Writer,
    repo: str,
    pull: int,
    *,
    by: Account,
    now: datetime,
    unless_head: PullRequest | None = None,
    reverts: bool = False,
) -> tuple[Run, ...]:
    runs = await writer.runs(repo=repo, pull=pull, kinds=(RunKind.PLAN,), statuses=ACTIVE, limit=_MOST)
    old = [run for run in runs if unless_head is None or not is_of_head(run, unless_head)]
    canceled = tuple([run for run in old if reverts or await writer.revert(run.id) is None])
    for run in canceled:
        await cancel_run(writer, run, by, now)
    return canceled


async def cancel_run(writer: Writer, run: Run, by: Account, now: datetime) -> None:
    """Cancel a run; one that has not started ends immediately."""
    await lock_later_stacks(writer, run)
    await writer.request_cancel(run.id, by)
    # The row is locked from here on, but a worker may have started the run since it was read.
    now_is = await writer.run(run.id)
    if now_is is not None and now_is.status is RunStatus.QUEUED:
        await end_before_start(writer, run, by, now)
        # A waiting run has no workflow yet: this one reports its end and starts the next.
        await writer.enqueue(job_of(run))


async def end_before_start(writer: Writer, run: Run, by: Account, now: datetime) -> None:
    """Record that a run was canceled while Terraform had not been started for it."""
    await writer.set_result(run.id, summary=f"Canceled by {by} before it started.", detail={"started": False})
    await writer.move_run(
        run.id,
        RunStatus.CANCELED,
        at=now,
        actor=by,
        why="canceled before it started",
        failure_class=FailureClass.CANCELED,
    )
    await continue_sequence(writer, run, RunStatus.CANCELED, now)

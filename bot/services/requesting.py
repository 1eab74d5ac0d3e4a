"""Turning a wish (a comment, a push, a button) into recorded and queued runs, in one transaction each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.model import (
    FailureClass,
    Login,
    PlanId,
    PlanStatus,
    PullRequest,
    Repo,
    Run,
    RunKind,
    RunStatus,
    Sha,
    Stack,
    StateKey,
    StateOperation,
)
from bot.domain.plan import Lock, PlanRecord
from bot.ports import Clock, NewRun, PlanOutline, Records, Writer
from bot.services import locking
from bot.services.following import job_of
from bot.services.ids import new_run_id
from bot.services.sequences import go_on, hold_behind

ACTIVE = (RunStatus.QUEUED, RunStatus.PREPARING, RunStatus.RUNNING)
OPEN_PLANS = (PlanStatus.PLANNED, PlanStatus.NO_CHANGES)
_MOST = 10_000
"""Plans of a pull request, and of its runs that make some: what is void must be void in all of its stacks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Who wants something, for which pull request, because of which delivery."""

    repo: Repo
    pull: PullRequest
    actor: Login
    comment_id: int | None
    asked_at: datetime
    """When the comment was written, in GitHub's time; plans posted later are not meant by it."""
    correlation_id: str
    policy_digest: str | None = None
    dedupe: str | None = None
    """What makes a repetition the same wish; the delivery when None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requesting:
    """Records runs."""

    records: Records
    clock: Clock

    async def plans(
        self,
        wish: Wish,
        stacks: Sequence[Stack],
        arguments: tuple[str, ...],
        *,
        operation: StateOperation | None = None,
    ) -> tuple[Run, ...]:
        """Queue one plan per stack. Repeating it for the same delivery queues nothing twice."""
        queued = []
        async with self.records.write() as writer:
            for stack in stacks:
                new = new_run(
                    wish, self.clock.now(), RunKind.PLAN, stack, arguments=arguments, operation=operation
                )
                run = await writer.add_run(new, self.clock.now())
                if run is not None:
                    await writer.enqueue(job_of(run))
                    queued.append(run)
        return tuple(queued)

    async def apply(self, wish: Wish, plans: Sequence[PlanRecord]) -> Lock | None:
        """Hold the stacks for the pull request and queue the applies, one after the other in this order.

        Returns the first lock that another pull request holds; nothing is held or queued then.
        """
        now = self.clock.now()
        async with self.records.write() as writer:
            await locking.hold(writer, [plan.stack for plan in plans])
            for plan in plans:
                held = await writer.lock(plan.stack)
                if held is not None and (held.stack.repo, held.pull) != (
                    wish.repo.full_name,
                    wish.pull.number,
                ):
                    return held
            for place, plan in enumerate(plans):
                kind = RunKind.APPLY if plan.reverts_to is None else RunKind.REVERT
                new = new_run(wish, now, kind, plan.stack, plan=plan.id, operation=plan.operation)
                run = await writer.add_run(new, now)
                if run is None:
                    return None
                await locking.take(writer, _lock_for(wish, run, plan, now), cause=wish.correlation_id)
                if place == 0:
                    await writer.enqueue(job_of(run))
        return None

    async def cancel_plans(self, repo: str, pull: int, *, by: Login, reverts: bool) -> tuple[Run, ...]:
        """Ask queued and running plans of the pull request to end; those of reverts only where that is meant."""
        async with self.records.write() as writer:
            return await _cancel(writer, repo, pull, by=by, now=self.clock.now(), reverts=reverts)

    async def supersede(
        self,
        repo: str,
        pull: int,
        *,
        by: Login,
        why: str,
        unless_head: Sha | None = None,
        pushed_by: Login | None = None,
    ) -> tuple[PlanOutline, ...]:
        """Cancel the pull request's plans in work and mark its open ones stale, but not those of `unless_head`.

        Those of reverts go on: they are of an older release's code, whatever is pushed. Returns what was marked.
        `pushed_by` is recorded as a pusher.
        """
        async with self.records.write() as writer:
            if pushed_by is not None:
                await writer.add_pusher(repo, pull, pushed_by)
            await _cancel(writer, repo, pull, by=by, now=self.clock.now(), unless_head=unless_head)
            plans = await writer.plan_outlines(repo=repo, pull=pull, statuses=OPEN_PLANS, limit=_MOST)
            old = tuple(plan for plan in plans if plan.head_sha != unless_head and plan.reverts_to is None)
            for plan in old:
                await writer.set_plan_status(plan.id, PlanStatus.STALE, why)
        return old

    async def release_locks(
        self,
        repo: str,
        pull: int,
        *,
        by: Login,
        why: str,
        cause: str,
        but: Collection[StateKey] = (),
    ) -> tuple[Stack, ...]:
        """Free every state that the pull request holds, `but` some; returns what this `cause` has freed, now or before.

        Whoever waits is told after this, which a step that is repeated may not have come to.
        """
        async with self.records.write() as writer:
            locks = [
                lock for lock in await writer.locks(repo=repo, pull=pull) if lock.stack.state_key not in but
            ]
            await locking.hold(writer, [lock.stack for lock in locks])
            for lock in locks:
                await locking.give(writer, lock, by=by, why=why, at=self.clock.now(), cause=cause)
            return await locking.given_by(writer, repo, pull, cause=cause)


def _lock_for(wish: Wish, run: Run, plan: PlanRecord, now: datetime) -> Lock:
    return Lock(
        stack=plan.stack,
        pull=wish.pull.number,
        holder=wish.actor,
        run_id=run.id,
        since=now,
        reason=f"plan {plan.id} is being applied or was applied",
    )


def new_run(
    wish: Wish,
    now: datetime,
    kind: RunKind,
    stack: Stack,
    *,
    plan: PlanId | None = None,
    arguments: tuple[str, ...] = (),
    operation: StateOperation | None = None,
) -> NewRun:
    """Return the run that somebody wishes; the same wish gives the same dedupe key."""
    return NewRun(
        id=new_run_id(now),
        kind=kind,
        stack=stack,
        installation_id=wish.repo.installation_id,
        pull=wish.pull.number,
        head_sha=wish.pull.head_sha,
        base_sha=wish.pull.base_sha,
        actor=wish.actor,
        comment_id=wish.comment_id,
        plan_id=plan,
        arguments=arguments,
        policy_digest=wish.policy_digest,
        correlation_id=wish.correlation_id,
        dedupe_key=f"{kind}:{wish.dedupe or wish.correlation_id}:{stack.project}:{stack.env}",
        operation=operation,
    )


async def _cancel(
    writer: Writer,
    repo: str,
    pull: int,
    *,
    by: Login,
    now: datetime,
    unless_head: Sha | None = None,
    reverts: bool = False,
) -> tuple[Run, ...]:
    runs = await writer.runs(repo=repo, pull=pull, kinds=(RunKind.PLAN,), statuses=ACTIVE, limit=_MOST)
    old = [run for run in runs if unless_head is None or run.head_sha != unless_head]
    canceled = tuple([run for run in old if reverts or await writer.revert(run.id) is None])
    for run in canceled:
        await cancel_run(writer, run, by, now)
    return canceled


async def cancel_run(writer: Writer, run: Run, by: Login, now: datetime) -> None:
    """Ask a run to end; one that has not started ends at once."""
    await hold_behind(writer, run)
    await writer.request_cancel(run.id, by)
    # From here on nobody else changes it, but somebody may have taken it up since it was read.
    now_is = await writer.run(run.id)
    if now_is is not None and now_is.status is RunStatus.QUEUED:
        await end_before_start(writer, run, by, now)
        # One that waits for its turn has no workflow: this one tells its end, and lets others go on.
        await writer.enqueue(job_of(run))


async def end_before_start(writer: Writer, run: Run, by: Login, now: datetime) -> None:
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
    await go_on(writer, run, RunStatus.CANCELED, now)

"""Record the end of a run, and invalidate plans and verifications if it changed the state."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from bot.domain.core.accounts import SELF
from bot.domain.core.model import FailureClass, PlanStatus, Run, RunKind, RunStatus, StateOperation
from bot.domain.core.retries import Retries
from bot.domain.plans.plan import PlanRecord
from bot.domain.releases.release import Release, is_whole
from bot.ports import Artifact, Clock, Records, Writer
from bot.services.freezes.plan_invalidation import void_plans
from bot.services.freezes.restore_freezes import TOUCHED, after_restore, lift_reviewed
from bot.services.freezes.revert_freezes import hold_after, lift_completed
from bot.services.runs.new_runs import follow_up, new_run, queue_run
from bot.services.runs.retrying import persist
from bot.services.runs.run_logs import RunLogs
from bot.services.runs.sequences import continue_sequence, lock_later_stacks

ONCE: Final = Retries(attempts=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run ended: `summary` in one line, `detail` as the report reads it."""

    status: RunStatus
    failure: FailureClass | None
    summary: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCompletion:
    """Records the result of a run in one transaction."""

    records: Records
    logs: RunLogs
    clock: Clock

    async def end(
        self,
        run: Run,
        status: RunStatus,
        failure: FailureClass | None,
        summary: str,
        detail: Mapping[str, Any],
        *,
        plan: PlanRecord | None = None,
        artifacts: tuple[Artifact, ...] = (),
        release: Release | None = None,
        also: Callable[[Writer], Awaitable[None]] | None = None,
        retries: Retries = ONCE,
    ) -> None:
        """Record the end of a run, and write `summary` as the last line of its log.

        With a `plan`, its change had begun: other plans of the stack become stale, and a failed one is
        planned again.

        `also` writes in the same transaction; `retries` applies when only this process knows the result.
        """
        self.logs.open(run.id).write(summary)
        ending = Ending(status=status, failure=failure, summary=summary, detail=detail)

        async def record() -> None:
            await self.logs.store(run.id)
            async with self.records.write() as writer:
                if not await record_end(writer, run, ending, self.clock.now(), plan=plan):
                    return
                for artifact in artifacts:
                    await writer.add_artifact(artifact)
                if release is not None:
                    await writer.add_release(release)
                if also is not None:
                    await also(writer)

        await persist(retries, f"the end of run {run.id}", record)


async def record_end(
    writer: Writer, run: Run, ending: Ending, now: datetime, *, plan: PlanRecord | None
) -> bool:
    """Record the end of a run and its consequences; with a `plan`, its change had begun.

    Earlier verifications become invalid. False, and nothing is recorded, if another worker has recorded the
    end.
    """
    summary, applied = ending.summary, ending.status is RunStatus.SUCCEEDED
    if not applied:
        await lock_later_stacks(writer, run)
    if not await writer.set_result(run.id, summary=summary, detail=ending.detail):
        return False
    if plan is not None:
        await writer.set_plan_status(
            plan.id, PlanStatus.APPLIED if applied else PlanStatus.FAILED, None if applied else summary
        )
        voided = f"the state was changed by plan {plan.id}"
        await void_plans(writer, plan.stack, why=voided, now=now, but=plan.id, by_pull=plan.pull)
        why = f"plan {plan.id} was applied" if applied else f"the apply of plan {plan.id} {ending.status}"
        await writer.revoke_verifications(plan.stack, why=why.replace("_", " "), at=now)
        if plan.reverts_to is not None:
            await hold_after(writer, run, plan, now)
        elif applied and plan.pull is not None and is_whole(plan):
            # After a partial apply, the freeze stays until the rest of the pull request is applied.
            where = plan.stack
            await lift_completed(
                writer, where.repo, plan.pull, by=run.actor, now=now, state_key=where.state_key
            )
        if applied and is_whole(plan):
            await lift_reviewed(writer, run, plan, now)
    if run.kind is RunKind.RESTORE and ending.detail.get("state") in TOUCHED:
        await after_restore(writer, run, now)
    await writer.move_run(
        run.id, ending.status, at=now, actor=SELF, why=summary, failure_class=ending.failure
    )
    if plan is not None and run.kind is not RunKind.SYNC and (plan.operation is not None or not applied):
        await _replan(writer, run, plan, now, operation=None if applied else plan.operation)
    await continue_sequence(writer, run, ending.status, now)
    return True


async def _replan(
    writer: Writer, run: Run, plan: PlanRecord, now: datetime, *, operation: StateOperation | None
) -> None:
    """Plan what is left to do; after a state operation, plan the code."""
    done = plan.operation is not None and operation is None
    new = new_run(
        follow_up(run),
        now,
        RunKind.PLAN,
        run.stack,
        dedupe_key=f"replan:{run.id}",
        arguments=() if done else plan.arguments,
        operation=operation,
    )
    if (
        await queue_run(writer, new, now) is not None
        and (revert := await writer.revert_of(plan.id)) is not None
    ):
        await writer.add_revert(replace(revert, run_id=new.id, plan_id=None, notes={}))

"""How a change is recorded when it has ended, and what follows from it for the plans of its stack."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from bot.domain.model import FailureClass, PlanStatus, Run, RunKind, RunStatus, StateOperation
from bot.domain.plan import PlanRecord
from bot.domain.release import Release, is_whole
from bot.domain.retries import Retries
from bot.ports import Artifact, Clock, Records, Writer
from bot.services.following import following, job_of
from bot.services.jobs import RunLogs
from bot.services.persistence import persist
from bot.services.restore_holds import TOUCHED, after_restore, lift_reviewed
from bot.services.revert_holds import hold_after, lift_completed
from bot.services.sequences import go_on, hold_behind
from bot.services.voiding import void_plans

ONCE: Final = Retries(attempts=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run ended: `summary` in one line, `detail` as the report reads it."""

    status: RunStatus
    failure: FailureClass | None
    summary: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endings:
    """Writes the result of a change in one transaction."""

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
        """Record it. With a `plan`, the change was begun: other plans of the stack are void, a failure re-plans.

        `also` writes in the same transaction. `retries` are for an end that only this process knows of.
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
    """Record the end of a run and what follows from it; with a `plan`, its change was begun.

    What was verified before then is no longer what is there. False, and nothing is recorded, when another worker has
    told its end already.
    """
    summary, applied = ending.summary, ending.status is RunStatus.SUCCEEDED
    if not applied:
        await hold_behind(writer, run)
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
            # A part of what the pull request says leaves the rest to be rolled forward.
            where = plan.stack
            await lift_completed(
                writer, where.repo, plan.pull, by=run.actor, now=now, state_key=where.state_key
            )
        if applied and is_whole(plan):
            await lift_reviewed(writer, run, plan, now)
    if run.kind is RunKind.RESTORE and ending.detail.get("state") in TOUCHED:
        await after_restore(writer, run, now)
    await writer.move_run(
        run.id, ending.status, at=now, actor="gatewright", why=summary, failure_class=ending.failure
    )
    if plan is not None and run.kind is not RunKind.SYNC and (plan.operation is not None or not applied):
        await _replan(writer, run, plan, now, operation=None if applied else plan.operation)
    await go_on(writer, run, ending.status, now)
    return True


async def _replan(
    writer: Writer, run: Run, plan: PlanRecord, now: datetime, *, operation: StateOperation | None
) -> None:
    """Plan again what is left to do; after a state operation that is what the code says of the state as it is now."""
    done = plan.operation is not None and operation is None
    new = following(
        run,
        now,
        kind=RunKind.PLAN,
        dedupe_key=f"replan:{run.id}",
        arguments=() if done else plan.arguments,
        operation=operation,
    )
    if await writer.add_run(new, now) is not None:
        if (revert := await writer.revert_of(plan.id)) is not None:
            await writer.add_revert(replace(revert, run_id=new.id, plan_id=None, notes={}))
        await writer.enqueue(job_of(new))

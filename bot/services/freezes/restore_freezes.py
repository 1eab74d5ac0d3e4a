"""After a state restore: invalidate all plans and freeze until a new plan was reviewed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from bot.domain.core.model import PlanId, Run, RunKind, Stack
from bot.domain.gates.freezes import Hold, HoldCause
from bot.domain.plans.plan import PlanRecord
from bot.ports import Reader, Writer
from bot.services.freezes.plan_invalidation import void_plans

RESTORED: Final = "restored"
TOUCHED: Final = frozenset({RESTORED, "changed", "unknown"})
"""Values of `state` in the detail of a restore after which the environment is frozen."""


async def after_restore(writer: Writer, run: Run, now: datetime) -> None:
    """Invalidate plans and verifications of the state and freeze the environment, once."""
    why = f"the state was restored by run {run.id}"
    lock = await writer.lock(run.stack)
    # A pull request that keeps its lock need not wait; a lock for the restore alone is released immediately.
    keeps = lock is not None and lock.run_id != run.id and lock.stack.repo == run.stack.repo
    holder = lock.pull if lock is not None and keeps else None
    await void_plans(writer, run.stack, why=why, now=now, by_pull=holder)
    await writer.revoke_verifications(run.stack, why=why, at=now)
    for old in await _holds(writer, run.stack):
        if old.run_id == run.id:
            return
        await writer.lift_hold(old.number, by=run.actor, at=now, why=f"run {run.id} restores the same state")
    restore = await writer.restore(run.id)
    version = "an older version" if restore is None else f"its version with serial {restore.serial}"
    hold = Hold(
        repo=run.stack.repo,
        env=run.stack.env,
        cause=HoldCause.RESTORE,
        reason=(
            f"the state of {run.stack.label} was restored to {version}; the hold ends when a plan that was made"
            " after that is applied"
        ),
        by=run.actor,
        since=now,
        pull=run.pull,
        run_id=run.id,
    )
    await writer.add_hold(hold)


async def lift_reviewed(writer: Writer, run: Run, plan: PlanRecord, now: datetime) -> None:
    """Lift the freeze of a restore after a plan that was made after it is applied."""
    for hold in await letting_through(writer, plan):
        await writer.lift_hold(hold.number, by=run.actor, at=now, why=_why(plan.id))


async def letting_through(reader: Reader, plan: PlanRecord) -> tuple[Hold, ...]:
    """Return the freezes of restores that a plan may pass, as it was made after them.

    Automatic applies after a merge do not pass: their plan was reviewed before the restore.
    """
    if plan.pull is None:
        return ()
    return tuple(hold for hold in await _holds(reader, plan.stack) if plan.created_at > hold.since)


async def _holds(reader: Reader, stack: Stack) -> Sequence[Hold]:
    """Return the active freezes that restores of this state have set."""
    found = []
    for hold in await reader.holds(repo=stack.repo, env=stack.env):
        run = (
            None
            if hold.run_id is None or hold.cause is not HoldCause.RESTORE
            else await reader.run(hold.run_id)
        )
        if run is not None and run.kind is RunKind.RESTORE and run.stack.state_key == stack.state_key:
            found.append(hold)
    return found


def _why(plan: PlanId) -> str:
    return f"plan {plan}, made after the restore, was applied"

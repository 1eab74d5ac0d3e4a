"""The hold that a revert leaves: nothing rolls forward what was taken back, until people say so."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.domain.holds import Hold, HoldCause
from bot.domain.model import Login, Run, StateKey
from bot.domain.plan import PlanRecord
from bot.domain.revert import Revert
from bot.ports import Reader, Writer


async def hold_after(writer: Writer, run: Run, plan: PlanRecord, now: datetime) -> None:
    """Set the hold of a revert that has begun, once; it takes the place of an earlier revert's of the same state."""
    for old in await _holds_of_reverts(writer, run):
        if old.run_id == run.id:
            return
        before = None if old.run_id is None else await writer.run(old.run_id)
        if before is not None and before.stack.state_key == run.stack.state_key:
            why = f"run {run.id} reverts the same stack"
            await writer.lift_hold(old.number, by=run.actor, at=now, why=why)
    hold = Hold(
        repo=run.stack.repo,
        env=run.stack.env,
        cause=HoldCause.REVERT,
        reason=f"{run.stack.label} was reverted to release {plan.reverts_to}",
        by=run.actor,
        since=now,
        pull=run.pull,
        run_id=run.id,
    )
    await writer.add_hold(hold)


async def lift_completed(
    writer: Writer, repo: str, pull: int, *, by: Login, now: datetime, state_key: StateKey | None = None
) -> tuple[Hold, ...]:
    """Lift the holds of the reverts that a pull request has completed; returns them.

    With a `state_key` it was applied there alone: that completes no revert of another environment or project.
    """
    opened = await writer.revert_opened_as(repo, pull)
    reverts = [each for each in opened if state_key in {None, each.stack.state_key}]
    numbers = await revert_holds(writer, reverts)
    lifted = [hold for hold in await writer.holds(repo=repo) if hold.number in numbers]
    for hold in lifted:
        why = f"pull request {pull} completes the revert"
        await writer.lift_hold(hold.number, by=by, at=now, why=why)
    return tuple(lifted)


async def revert_holds(reader: Reader, reverts: Iterable[Revert]) -> frozenset[int]:
    """Return the numbers of the holds in force that these reverts have set."""
    found = set()
    for revert in reverts:
        for hold in await reader.holds(repo=revert.stack.repo, env=revert.stack.env):
            run = None if hold.run_id is None else await reader.run(hold.run_id)
            if hold.cause is HoldCause.REVERT and run is not None and run.plan_id == revert.plan_id:
                found.add(hold.number)
    return frozenset(found)


async def _holds_of_reverts(writer: Writer, run: Run) -> list[Hold]:
    found = await writer.holds(repo=run.stack.repo, env=run.stack.env)
    return [hold for hold in found if hold.cause is HoldCause.REVERT]

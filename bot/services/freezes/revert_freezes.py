"""The freeze after a revert, which prevents that the undone change is applied again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.domain.core.accounts import Account
from bot.domain.core.model import Run, StateKey
from bot.domain.gates.freezes import Hold, HoldCause
from bot.domain.plans.plan import PlanRecord
from bot.domain.releases.revert import Revert
from bot.ports import Reader, Writer
from bot.ports.records.coordination import CoordinationReader


async def hold_after(writer: Writer, run: Run, plan: PlanRecord, now: datetime) -> None:
    """Freeze for a started revert, once; replaces the freeze of an earlier revert of the state."""
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
    writer: Writer, repo: str, pull: int, *, by: Account, now: datetime, state_key: StateKey | None = None
) -> tuple[Hold, ...]:
    """Lift the freezes of the reverts that a pull request completes, and return them.

    With a `state_key` only that state was applied, which completes no revert elsewhere.
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
    """Return the numbers of the active freezes that these reverts have set."""
    found = set()
    for revert in reverts:
        for hold in await reader.holds(repo=revert.stack.repo, env=revert.stack.env):
            run = None if hold.run_id is None else await reader.run(hold.run_id)
            if hold.cause is HoldCause.REVERT and run is not None and run.plan_id == revert.plan_id:
                found.add(hold.number)
    return frozenset(found)


async def _holds_of_reverts(writer: CoordinationReader, run: Run) -> list[Hold]:
    found = await writer.holds(repo=run.stack.repo, env=run.stack.env)
    return [hold for hold in found if hold.cause is HoldCause.REVERT]

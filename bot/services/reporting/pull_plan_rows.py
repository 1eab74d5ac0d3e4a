"""Reads the newest plan of each stack of a pull request, and what its comment says about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.domain.core.model import EnvName, PlanLane, PlanStatus, Run, RunKind, Stack
from bot.domain.core.run_lifecycle import ACTIVE, TERMINAL
from bot.domain.plans.plan import Lock
from bot.ports import PlanOutline, Reader
from bot.services.stacks.drift_checks import newest_check

_MOST_PLANS: Final = 1000
_MOST_RUNS: Final = 1000
"""Plans and plan runs of one pull request that are read, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One stack of the pull request, as its code is planned there."""

    stack: Stack
    plan: PlanOutline | None
    """The newest plan."""
    failed: Run | None
    """The newest plan run, if it ended without a plan."""
    planning: Run | None
    """A plan run that is queued or in progress."""
    lock: Lock | None
    applying: Run | None
    """The run that applies the plan at the moment."""
    check: Run | None
    """The newest drift check of the stack."""
    holds: tuple[int, ...]

    @property
    def can_be_applied(self) -> bool:
        """Whether its gates are of interest."""
        return self.plan is not None and self.plan.status is PlanStatus.PLANNED


async def read_rows(reader: Reader, repo: str, pull: int) -> tuple[Row, ...]:
    """Return a row for each stack with a plan, or a plan run, of the pull request's code."""
    plans = await reader.plan_outlines(repo=repo, pull=pull, limit=_MOST_PLANS)
    runs = await reader.runs(repo=repo, pull=pull, kinds=(RunKind.PLAN,), limit=_MOST_RUNS)
    active = await reader.runs(repo=repo, pull=pull, statuses=ACTIVE, limit=_MOST_RUNS)
    newest_plans = _newest_plans(plans)
    others = {plan.id for plan in plans if plan.lane is not PlanLane.CODE}
    newest_runs = await _newest_runs(reader, [run for run in runs if run.plan_id not in others])
    stacks = {key: run.stack for key, run in newest_runs.items()}
    stacks |= {key: plan.stack for key, plan in newest_plans.items()}
    held: dict[EnvName, tuple[int, ...]] = {}
    rows = []
    for key, stack in sorted(stacks.items()):
        if stack.env not in held:
            held[stack.env] = tuple(hold.number for hold in await reader.holds(repo=repo, env=stack.env))
        plan, run = newest_plans.get(key), newest_runs.get(key)
        ours = run is not None and (plan is None or run.plan_id != plan.id)
        rows.append(
            Row(
                stack=stack,
                plan=plan,
                failed=run if ours and run is not None and _has_no_plan(run) else None,
                planning=run if run is not None and run.status not in TERMINAL else None,
                lock=await reader.lock(stack),
                applying=None if plan is None else _applying(plan, active),
                check=await newest_check(reader, stack),
                holds=held[stack.env],
            )
        )
    return tuple(row for row in rows if row.plan is not None or row.failed is not None)


def without_times(rows: Sequence[Row]) -> list[Row]:
    """Return the rows without what only a write of the comment changes."""
    # The search for the comment of an attempt before a crash may have found when a plan was posted.
    return [row if row.plan is None else replace(row, plan=replace(row.plan, posted_at=None)) for row in rows]


def _has_no_plan(run: Run) -> bool:
    # The plan that replaces a superseded run is on its way.
    return run.status in TERMINAL and run.plan_id is None and not run.detail.get("superseded")


def _applying(plan: PlanOutline, active: Sequence[Run]) -> Run | None:
    return next((run for run in active if run.plan_id == plan.id and run.kind is not RunKind.PLAN), None)


async def _newest_runs(reader: Reader, runs: Sequence[Run]) -> dict[tuple[str, str], Run]:
    """Return the newest plan run of each stack's code."""
    found: dict[tuple[str, str], Run] = {}
    for run in runs:
        key = _key(run.stack)
        if key in found or run.operation is not None:
            continue
        # Whether a run without a plan was for a revert is on record elsewhere; there are few of them.
        if run.plan_id is not None or await reader.revert(run.id) is None:
            found[key] = run
    return found


def _newest_plans(plans: Sequence[PlanOutline]) -> dict[tuple[str, str], PlanOutline]:
    newest: dict[tuple[str, str], PlanOutline] = {}
    for plan in plans:
        if plan.lane is PlanLane.CODE:
            newest.setdefault(_key(plan.stack), plan)
    return newest


def _key(stack: Stack) -> tuple[str, str]:
    return (str(stack.env), stack.project)

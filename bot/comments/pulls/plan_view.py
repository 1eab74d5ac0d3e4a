"""What the plan comment of a pull request shows, and the state of each of its stacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from bot.comments.gates.table import is_outstanding
from bot.comments.markdown.words import Step
from bot.domain.core.model import PlanStatus, Run, RunStatus, Sha, Stack
from bot.domain.gates import GateResult, shut
from bot.domain.plans.plan import Counts, Lock, PlanRecord
from bot.domain.releases.drift_checks import Drifted


@dataclass(frozen=True, slots=True, kw_only=True)
class StackView:
    """One stack of the pull request with its newest plan or plan run."""

    stack: Stack
    plan: PlanRecord | None = None
    """The newest plan of the stack's code."""
    failed: Run | None = None
    """The newest plan run, if it ended without a plan and is newer than `plan`."""
    planning: Run | None = None
    """A plan run that is queued or in progress and newer than `plan`."""
    run_url: str | None = None
    """The log of the plan's run, of the failed run or of the one in progress."""
    gates: Sequence[GateResult] = ()
    locked_by: Lock | None = None
    """The lock on the stack if another pull request has it."""
    is_tenanted: bool = False
    """Whether the environment exists as long as the pull request that locks it."""
    applying: Run | None = None
    """A run that applies the plan at the moment."""
    applying_url: str | None = None
    outside: Sequence[Drifted] = ()
    """The drift that the stack's newest check found."""
    next_steps: Sequence[Step] = ()
    """Next steps; empty for the ones that follow from the state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullPlansView:
    """The contents of the plan comment."""

    pull: int
    head: Sha
    stacks: Sequence[StackView]
    page_url: str | None = None
    """The page with all runs of the pull request."""
    ref: str | None = None
    """What a repeated write recognises the comment by."""


class StackState(Enum):
    """The state of a stack on a pull request, gravest first."""

    PLAN_FAILED = "plan failed"
    APPLY_FAILED = "apply failed"
    APPLYING = "applying"
    BLOCKED = "blocked"
    WAITING = "waiting"
    LOCKED = "locked"
    STALE = "stale"
    CANCELED = "canceled"
    READY = "ready"
    PLAN_ONLY = "plan only"
    PLANNING = "planning"
    APPLIED = "applied"
    NO_CHANGES = "no changes"
    NOT_PLANNED = "not planned"


_OF_STATUS: Final = {
    PlanStatus.NO_CHANGES: StackState.NO_CHANGES,
    PlanStatus.APPLYING: StackState.APPLYING,
    PlanStatus.APPLIED: StackState.APPLIED,
    PlanStatus.FAILED: StackState.APPLY_FAILED,
    PlanStatus.STALE: StackState.STALE,
    PlanStatus.CANCELED: StackState.CANCELED,
}
_TO_DO: Final = frozenset(
    {
        StackState.APPLY_FAILED,
        StackState.APPLYING,
        StackState.BLOCKED,
        StackState.WAITING,
        StackState.LOCKED,
        StackState.STALE,
        StackState.READY,
        StackState.PLAN_ONLY,
    }
)


def state_of(view: StackView) -> StackState:
    """Return the state of a stack."""
    plan = view.plan
    if view.planning is not None:
        return StackState.PLANNING
    if view.failed is not None:
        is_canceled = view.failed.status is RunStatus.CANCELED
        return StackState.CANCELED if is_canceled else StackState.PLAN_FAILED
    if plan is None:
        return StackState.NOT_PLANNED
    if view.applying is not None:
        return StackState.APPLYING
    return _OF_STATUS.get(plan.status) or _of_planned(view)


def _of_planned(view: StackView) -> StackState:
    if view.locked_by is not None:
        return StackState.LOCKED
    # Given steps without an apply say that the policy lets nobody apply it.
    if view.next_steps and not any((step.command or "").startswith("/apply") for step in view.next_steps):
        return StackState.PLAN_ONLY
    closed = shut(view.gates)
    if not closed:
        return StackState.READY
    return StackState.WAITING if all(map(is_outstanding, closed)) else StackState.BLOCKED


def counts_of(view: StackView) -> Counts:
    """Return what is still to do in a stack."""
    if view.plan is None or view.failed is not None or state_of(view) not in {*_TO_DO, StackState.PLANNING}:
        return Counts()
    return view.plan.summary.counts


def is_unchanged(view: StackView) -> bool:
    """Whether nothing is to do in a stack, nothing was done, and its plan found nothing."""
    if state_of(view) not in {StackState.NO_CHANGES, StackState.NOT_PLANNED}:
        return False
    found = view.plan and (view.plan.summary.drift or view.plan.summary.failed_checks)
    return not (found or view.outside)

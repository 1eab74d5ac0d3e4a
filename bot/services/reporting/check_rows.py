"""Read from the records what the checks of a head show for each stack."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from bot.comments.checks.checks import CheckRow, UndoneBy
from bot.domain.commands.terraform_arguments import is_partial
from bot.domain.core.heads import is_same_head
from bot.domain.core.model import EnvName, ProjectName, Repo, Run, RunKind, RunStatus, Stack
from bot.domain.core.run_kinds import SHOWN_IN_CHECKS, STATE_CHANGES
from bot.domain.core.run_lifecycle import TERMINAL
from bot.domain.plans.plan import PlanRecord
from bot.policy import RepoPolicy
from bot.ports import PlanOutline, Reader
from bot.ports.records.check_runs import TouchedStack
from bot.services.freezes.restore_freezes import TOUCHED
from bot.services.reporting.check_runs import CheckedHead

_BROKEN: Final = frozenset({RunStatus.FAILED, RunStatus.TIMED_OUT, RunStatus.INTERRUPTED})
_MOST: Final = 10_000
"""Runs and plans of a pull request to read; a stack beyond them would count as not planned."""
_Key = tuple[ProjectName, EnvName]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadRows:
    """The stacks of a head, as the checks show them."""

    planned: tuple[CheckRow, ...]
    """Stacks that were planned, or whose plan is paused by a revert."""
    unplanned: tuple[Stack, ...]
    """Stacks that the pull request touches, and that were not planned."""
    is_complete: bool
    """Whether all stacks that the pull request touches are known."""
    newest: Run | None
    """The newest change in progress, else the newest run."""
    newest_plan: Run | None
    """The newest plan run of this head."""


@dataclass(slots=True, kw_only=True)
class _Runs:
    """The newest runs of each stack, by purpose."""

    shown: dict[_Key, Run] = field(default_factory=dict)
    """The run of this head whose result the checks show."""
    change: dict[_Key, Run] = field(default_factory=dict)
    """The run, of any head, that changed the state or may have."""
    working: dict[_Key, Run] = field(default_factory=dict)
    """The run that changes the state now, or is queued to."""
    planning: dict[_Key, Run] = field(default_factory=dict)
    """The plan run of this head without `-target` or the like."""


async def head_rows(reader: Reader, repo: Repo, head: CheckedHead, policy: RepoPolicy) -> HeadRows:
    """Return the recorded state of each stack of a head."""
    if head.pull is None:
        raise ValueError("a group of the merge queue has no runs of its own")
    name, pull = repo.full_name, head.pull
    touched = await reader.touched(name, pull, head.sha, head.number)
    # Older versions recorded only that a plan of everything was requested.
    is_complete = touched is not None or await reader.is_selected(name, pull, head.sha)
    runs = await _runs(reader, repo, head, policy)
    plans = await _plans(reader, repo, head)
    # People may plan stacks that the pull request does not touch; the checks leave those out.
    concerned = None if touched is None else {(one.project, one.env) for one in touched} | runs.change.keys()
    automatic = {(one.project, one.env) for one in touched or () if one.is_automatic}
    rows = [
        replace(
            _row(key, run, runs, plans.get(key)),
            is_optional=concerned is not None
            and key not in automatic
            and key[1] not in policy.merge_requires,
        )
        for key, run in sorted(runs.shown.items())
        if concerned is None or key in concerned
    ]
    paused = [wait.stack for wait in await reader.paused(repo=name, pull=pull)]
    waiting = [stack for stack in paused if (stack.project, stack.env) not in runs.shown]
    known = {(row.stack.project, row.stack.env) for row in rows} | {
        (stack.project, stack.env) for stack in waiting
    }
    return HeadRows(
        planned=(*rows, *(CheckRow(stack=stack, paused=True) for stack in waiting)),
        unplanned=_unplanned(repo, pull, policy, touched or (), known),
        is_complete=is_complete,
        newest=_newest(rows),
        newest_plan=_latest(runs.planning[key] for key in known & runs.planning.keys()),
    )


def _unplanned(
    repo: Repo, pull: int, policy: RepoPolicy, touched: Iterable[TouchedStack], known: set[_Key]
) -> tuple[Stack, ...]:
    """Return the touched stacks that were not planned and are not planned automatically.

    Automatic ones are included if the merge requires them.
    """
    missing = {
        (one.project, one.env)
        for one in touched
        if (one.project, one.env) not in known and (not one.is_automatic or one.env in policy.merge_requires)
    }
    stacks = policy.stacks(repo.full_name, pull=pull)
    return tuple(stack for stack in stacks if (stack.project, stack.env) in missing)


async def _runs(reader: Reader, repo: Repo, head: CheckedHead, policy: RepoPolicy) -> _Runs:
    found, optional = _Runs(), dict[_Key, Run]()
    for run in await reader.runs(repo=repo.full_name, pull=head.pull, kinds=SHOWN_IN_CHECKS, limit=_MOST):
        key = (run.stack.project, run.stack.env)
        is_change = run.kind in STATE_CHANGES
        if is_change and run.status not in TERMINAL and run.operation is None:
            found.working.setdefault(key, run)
        # A plan with `-target` or the like says nothing about the rest of the stack, however it ended.
        is_part = run.kind is RunKind.PLAN and is_partial(run.arguments)
        counts = _is_of(run, head) and run.kind is not RunKind.RESTORE and not is_part
        is_known = key in found.shown and (run.kind is not RunKind.PLAN or key in found.planning)
        counts = counts and not is_known
        changed = _has_changed(run) and key not in found.change
        # State operations and plans of reverts say nothing about the code of the pull request.
        if not (counts or changed) or run.operation is not None or await _plans_a_revert(reader, run):
            continue
        if counts and run.kind is RunKind.PLAN:
            found.planning.setdefault(key, run)
        counts = counts and key not in found.shown
        if counts and _is_failed_optional_plan(run, policy):
            optional.setdefault(key, run)
        elif counts:
            found.shown[key] = run
        if changed:
            found.change[key] = run
    # A failed optional plan counts only if the stack has no other run.
    found.shown = optional | found.shown
    return found


async def _plans(reader: Reader, repo: Repo, head: CheckedHead) -> dict[_Key, PlanRecord]:
    """Return the newest complete plan of each stack at the head."""
    found: dict[_Key, PlanRecord] = {}
    for outline in await reader.plan_outlines(repo=repo.full_name, pull=head.pull, limit=_MOST):
        key = (outline.stack.project, outline.stack.env)
        of_code = outline.operation is None and outline.reverts_to is None
        if key in found or not of_code or not _is_of(outline, head):
            continue
        plan = await reader.plan(outline.id)
        if plan is not None and not is_partial(plan.arguments):
            found[key] = plan
    return found


def _row(key: _Key, run: Run, runs: _Runs, plan: PlanRecord | None) -> CheckRow:
    change = runs.change.get(key)
    return CheckRow(
        stack=run.stack,
        run=run,
        plan=plan,
        change=runs.working.get(key),
        apply_failed=change is not None and _is_failed_apply(change, run),
        undone_by=_undone_by(change),
    )


def _is_of(one: Run | PlanOutline, head: CheckedHead) -> bool:
    return is_same_head(one.head_sha, one.head_number, head_sha=head.sha, head_number=head.number)


async def _plans_a_revert(reader: Reader, run: Run) -> bool:
    return run.kind is RunKind.PLAN and await reader.revert(run.id) is not None


def _has_changed(run: Run) -> bool:
    """Whether a run changed the state, or may have."""
    # A restore does not run Terraform: it records in its details whether it wrote the state.
    if run.kind is RunKind.RESTORE:
        return run.detail.get("state") in TOUCHED
    return run.intent_at is not None


def _is_failed_optional_plan(run: Run, policy: RepoPolicy) -> bool:
    """Whether a plan requested by a command failed, in an environment that no merge requires."""
    # Such a plan does not replace the result of an earlier one.
    by_command = run.kind is RunKind.PLAN and run.comment_id is not None
    failed = run.status in TERMINAL and run.plan_id is None
    return by_command and failed and run.stack.env not in policy.merge_requires


def _is_failed_apply(change: Run, at_head: Run) -> bool:
    same = is_same_head(
        change.head_sha, change.head_number, head_sha=at_head.head_sha, head_number=at_head.head_number
    )
    return change.kind is RunKind.APPLY and same and change.status in _BROKEN


def _undone_by(change: Run | None) -> UndoneBy | None:
    """Return what undid the applied change, if a later run did."""
    if change is None:
        return None
    return {RunKind.REVERT: UndoneBy.REVERTED, RunKind.RESTORE: UndoneBy.RESTORED}.get(change.kind)


def _newest(rows: Sequence[CheckRow]) -> Run | None:
    """Return the newest change in progress, else the newest run."""
    working = [row.change for row in rows if row.change is not None]
    return _latest(working or [row.run for row in rows if row.run is not None])


def _latest(runs: Iterable[Run]) -> Run | None:
    return max(runs, key=lambda run: (run.created_at, run.id), default=None)

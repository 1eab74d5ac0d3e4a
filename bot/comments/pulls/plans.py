"""The one comment with all plans of a pull request, what blocks them and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from bot.comments.markdown.budget import Part, fit
from bot.comments.markdown.escape import link, text
from bot.comments.markdown.header import StackStatus, header
from bot.comments.markdown.words import short, step_blocks
from bot.comments.pulls.plan_alerts import failed_stacks, shut_gates, stacks_caution
from bot.comments.pulls.plan_sections import only_stack, stack_section
from bot.comments.pulls.plan_steps import steps_of_one, steps_of_several
from bot.comments.pulls.plan_table import (
    facts_line,
    gravest_first,
    several_title,
    stack_changes,
    stack_mark,
    stack_table,
)
from bot.comments.pulls.plan_view import PullPlansView, StackState, StackView, is_unchanged, state_of
from bot.comments.runs.failures import failure_explained, planning_ended
from bot.comments.runs.report import RunView, facts
from bot.domain.core.model import RunStatus

__all__ = ["PullPlansView", "StackView", "pull_plans_comment"]

_HEADER_ROOM: Final = 24_000
"""Bytes of the stacks in the first line; the last ones are left out of it."""
_NOTED: Final = frozenset(
    {
        StackState.APPLYING,
        StackState.APPLIED,
        StackState.APPLY_FAILED,
        StackState.STALE,
        StackState.CANCELED,
        StackState.PLANNING,
        StackState.PLAN_ONLY,
    }
)


def pull_plans_comment(view: PullPlansView) -> str:
    """Return the plan comment of a pull request, at most 60,000 bytes."""
    if len(view.stacks) == 1:
        return fit([*_one(view, view.stacks[0])])
    return fit([*_several(view)])


def _one(view: PullPlansView, stack: StackView) -> Iterator[Part]:
    yield Part(text=f"{_header(view)}\n{_title(stack)}\n\n{_facts(stack)}")
    yield from only_stack(stack)
    where = link("the run page", stack.run_url)
    yield Part(text=f"The whole plan is on {where}.", is_note=True)
    yield Part(text=step_blocks(steps_of_one(stack)))


def _title(view: StackView) -> str:
    state, label = state_of(view), text(view.stack.label)
    if view.failed is not None and state is not StackState.PLANNING:
        return f"### {stack_mark(view)} {label}: {planning_ended(view.failed.status)}"
    said = stack_changes(view)
    if state is StackState.PLANNING or not said:
        return f"### {stack_mark(view)} {label}: {state.value}"
    if state is StackState.APPLYING and view.applying_url:
        return f"### {stack_mark(view)} {label}: {said} (applying, {link('log', view.applying_url)})"
    return f"### {stack_mark(view)} {label}: {said}{f' ({state.value})' if state in _NOTED else ''}"


def _facts(view: StackView) -> str:
    if view.failed is not None and view.planning is None:
        return f"{facts(RunView(run=view.failed, run_url=view.run_url))}\n"
    return facts_line(view) if view.planning is None else ""


def _several(view: PullPlansView) -> Iterator[Part]:
    page = f" · {link('all runs', view.page_url)}" if view.page_url else ""
    yield Part(text=f"{_header(view)}\n{several_title(view.stacks)}\n\nCommit {short(view.head)}{page}\n\n")
    yield from stack_table(view)
    yield Part(text=stacks_caution(view.stacks))
    yield Part(text=failed_stacks(view.stacks))
    yield Part(text=shut_gates(view.stacks))
    ordered = gravest_first(view.stacks)
    shown = [each for each in ordered if not is_unchanged(each)]
    for number, each in enumerate(shown):
        yield from stack_section(each, str(number))
    yield Part(text=f"The rest is on {link('the page of this pull request', view.page_url)}.", is_note=True)
    yield Part(text=step_blocks(steps_of_several(view.stacks)))


def _header(view: PullPlansView) -> str:
    """Return the first line; with several stacks, one status stands for all only if they agree."""
    stacks: list[StackStatus] = []
    room = _HEADER_ROOM
    for each in gravest_first(view.stacks):
        status = _status(each)
        # Two, because a single one stands at the top level as well.
        room -= len(header("plan", stacks=[status, status])) // 2
        if room < 0:
            break
        stacks.append(status)
    agreed = {each.status for each in stacks}
    reasons = _reasons(view.stacks)
    return header(
        "plan",
        head=view.head,
        status=agreed.pop() if len(agreed) == 1 else None,
        reason=reasons[0] if reasons else None,
        reasons=reasons if len(reasons) > 1 else (),
        ref=view.ref,
        stacks=stacks,
    )


def _reasons(stacks: Sequence[StackView]) -> list[str]:
    """Return the different codes under which plan runs failed."""
    failed = [each.failed for each in stacks if each.failed is not None]
    found = [failure_explained(RunView(run=run, run_url=None))[0] for run in failed]
    return [*dict.fromkeys(reason for reason in found if reason is not None)]


def _status(view: StackView) -> StackStatus:
    """Return the last result of a stack; `planning` only where there has been none."""
    stack, failed = view.stack, view.failed
    if failed is not None:
        status = "canceled" if failed.status is RunStatus.CANCELED else "failed"
        return StackStatus(env=stack.env, project=stack.project, run=failed.id, status=status)
    if view.plan is not None:
        plan = view.plan
        return StackStatus(
            env=stack.env, project=stack.project, run=plan.run_id, plan=plan.id, status=plan.status
        )
    run = None if view.planning is None else view.planning.id
    return StackStatus(env=stack.env, project=stack.project, run=run, status="planning")

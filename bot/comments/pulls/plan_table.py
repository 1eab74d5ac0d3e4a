"""The title of the plan comment and its table of stacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from bot.comments.markdown.budget import Drop, Part
from bot.comments.markdown.escape import code, link, text
from bot.comments.markdown.words import counted, minute, short, tally, to_do
from bot.comments.pulls.plan_view import (
    PullPlansView,
    StackState,
    StackView,
    counts_of,
    is_unchanged,
    state_of,
)
from bot.comments.runs.plan_notes import pull_link
from bot.domain.core.model import PlanStatus, RunStatus
from bot.domain.gates import shut
from bot.domain.plans.plan import Action, Counts, RiskLevel

CHANGES: Final = {
    Action.DESTROY: "🟥",
    Action.REPLACE: "🟥",
    Action.FORGET: "🟨",
    Action.CHANGE: "🟨",
    Action.ADD: "🟩",
    Action.IMPORT: "🟩",
    Action.MOVE: "🟨",
}
_STATES: Final = {
    StackState.PLAN_FAILED: "❌",
    StackState.APPLY_FAILED: "❌",
    StackState.APPLYING: "⏳",
    StackState.BLOCKED: "❌",
    StackState.WAITING: "⏳",
    StackState.LOCKED: "🔒",
    StackState.STALE: "⚠️",
    StackState.CANCELED: "🚫",
    StackState.READY: "✅",
    StackState.PLAN_ONLY: "📄",
    StackState.PLANNING: "⏳",
    StackState.APPLIED: "✅",
    StackState.NO_CHANGES: "⚪",
    StackState.NOT_PLANNED: "⚪",
}
_GRAVEST_FIRST: Final = ("🟥", "❌", "⚠️", "🟨", "🟩", "⏳", "🚫", "✅", "⚪")
_OVER_CHANGES: Final = frozenset(
    {
        StackState.PLAN_FAILED,
        StackState.APPLY_FAILED,
        StackState.APPLYING,
        StackState.STALE,
        StackState.CANCELED,
        StackState.PLANNING,
        StackState.APPLIED,
        StackState.NO_CHANGES,
        StackState.NOT_PLANNED,
    }
)
"""States whose mark a title shows instead of the mark of the changes."""
_QUIET: Final = frozenset({RiskLevel.NONE, RiskLevel.LOW})
LONGEST_LABEL: Final = 80
_MOST_UNCHANGED: Final = 5
"""Rows of unchanged stacks; more are folded below the table."""
_MOST_NAMED: Final = 4


def change_mark(counts: Counts, outputs: int) -> str:
    """Return the mark of the gravest change."""
    found = [CHANGES[action] for action, _ in tally(counts)]
    return min(found, key=_GRAVEST_FIRST.index) if found else ("🟨" if outputs else "⚪")


def stack_mark(view: StackView) -> str:
    """Return the mark of a stack's title."""
    state = state_of(view)
    if state in _OVER_CHANGES or view.plan is None:
        return _STATES[state]
    return change_mark(view.plan.summary.counts, len(view.plan.summary.outputs))


def stack_changes(view: StackView) -> str:
    """Return what a stack's plan would do; empty without a plan that is of interest."""
    if view.plan is None or view.failed is not None:
        return ""
    return to_do(view.plan.summary.counts, len(view.plan.summary.outputs))


def gravest_first(stacks: Sequence[StackView]) -> list[StackView]:
    """Return stacks in the order of their sections: failed and destroying ones first."""
    return sorted(stacks, key=_gravity)


def _gravity(view: StackView) -> tuple[int, int, int]:
    state = state_of(view)
    is_failed = state in {StackState.PLAN_FAILED, StackState.APPLY_FAILED}
    counts = counts_of(view)
    change = _GRAVEST_FIRST.index(change_mark(counts, 0))
    is_done = state in {StackState.APPLIED, StackState.NO_CHANGES, StackState.NOT_PLANNED}
    return (0 if is_failed else 2 if is_done else 1, change, -(counts.destroy + counts.replace))


def several_title(stacks: Sequence[StackView]) -> str:
    """Return the title for several stacks: mark, number and the sum of the changes."""
    states = [state_of(view) for view in stacks]
    total = _sum(counts_of(view) for view in stacks)
    outputs = sum(
        len(view.plan.summary.outputs)
        for view in stacks
        if view.plan is not None
        and view.plan.status is PlanStatus.PLANNED
        and not any(tally(counts_of(view)))
    )
    said = [f"{number} to {action}" for action, number in tally(total)]
    if not said and outputs:
        said.append(f"only {counted(outputs, 'output')} to change")
    notes = {
        StackState.PLAN_FAILED: "failed",
        StackState.APPLY_FAILED: "failed to apply",
        StackState.PLANNING: "planning",
        StackState.APPLYING: "applying",
        StackState.APPLIED: "applied",
    }
    said += [f"{states.count(state)} {word}" for state, word in notes.items() if state in states]
    marks = [
        change_mark(counts_of(view), 0) if any(tally(counts_of(view))) else stack_mark(view)
        for view in stacks
    ]
    mark = min(marks, key=_GRAVEST_FIRST.index, default="⚪")
    return f"### {mark} {counted(len(stacks), 'stack')}: {', '.join(said) or 'no changes'}"


def _sum(counts: Iterator[Counts]) -> Counts:
    all_of = [*counts]
    return Counts(
        add=sum(each.add for each in all_of),
        change=sum(each.change for each in all_of),
        destroy=sum(each.destroy for each in all_of),
        replace=sum(each.replace for each in all_of),
        import_=sum(each.import_ for each in all_of),
        move=sum(each.move for each in all_of),
        forget=sum(each.forget for each in all_of),
    )


def stack_table(view: PullPlansView) -> Iterator[Part]:
    """Yield the table of the stacks; rows of unchanged ones may be omitted."""
    has_risk = any(_risk(each) for each in view.stacks)
    titles = ["Stack", "Changes", *(["Risk"] if has_risk else []), "State"]
    yield Part(text=f"| {' | '.join(titles)} |\n|{' --- |' * len(titles)}\n")
    unchanged = [each for each in view.stacks if is_unchanged(each)]
    folded = unchanged if len(unchanged) > _MOST_UNCHANGED else []
    for each in gravest_first([each for each in view.stacks if each not in folded]):
        cells = [
            text(each.stack.label, limit=LONGEST_LABEL),
            _changes_cell(each),
            *([_risk(each)] if has_risk else []),
            state_cell(each),
        ]
        # Only a last resort for hundreds of stacks: without it, the end of the comment would be cut off.
        drop = Drop.UNCHANGED if is_unchanged(each) else Drop.STACK
        yield Part(text=f"| {' | '.join(cells)} |\n", drop=drop)
    yield Part(text="\n")
    yield Part(text=_unchanged(folded), drop=Drop.UNCHANGED)


def _unchanged(views: Sequence[StackView]) -> str:
    if not views:
        return ""
    names = ", ".join(text(view.stack.label, limit=LONGEST_LABEL) for view in views)
    title = f"⚪ {counted(len(views), 'stack')} without changes"
    return f"<details><summary>{title}</summary>\n\n{names}\n\n</details>\n\n"


def _changes_cell(view: StackView) -> str:
    # The state says the rest: no plan, or nothing to do.
    if view.plan is None or view.failed is not None or state_of(view) is StackState.NO_CHANGES:
        return ""
    summary = view.plan.summary
    return f"{change_mark(summary.counts, len(summary.outputs))} {stack_changes(view)}"


def _risk(view: StackView) -> str:
    if view.plan is None or view.failed is not None or not any(tally(counts_of(view))):
        return ""
    level = view.plan.summary.risk.level
    return "" if level in _QUIET else str(level)


def state_cell(view: StackView) -> str:
    """Return the state of a stack in a few words, with the log of what is in progress."""
    state = state_of(view)
    said = state.value
    if state in {StackState.BLOCKED, StackState.WAITING}:
        said = _gates_in_short(view, state)
    elif state is StackState.LOCKED and view.locked_by is not None:
        said = f"locked by {pull_link(view.locked_by, view.stack)}"
    elif state is StackState.PLANNING and view.planning is not None:
        is_queued = view.planning.status is RunStatus.QUEUED
        said = f"{'queued' if is_queued else 'planning'}{log_link(view.run_url)}"
    elif state is StackState.APPLYING:
        said += log_link(view.applying_url)
    elif state is StackState.PLAN_FAILED:
        said += log_link(view.run_url)
    return f"{_STATES[state]} {said}"


def _gates_in_short(view: StackView, state: StackState) -> str:
    closed = shut(view.gates)
    names = ", ".join(text(gate.gate, limit=20) for gate in closed[:_MOST_NAMED])
    more = len(closed) - _MOST_NAMED
    listed = f"{names} and {more} more" if more > 0 else names
    if state is StackState.WAITING:
        return f"waiting for {listed}"
    return f"blocked by {counted(len(closed), 'gate')}: {listed}"


def log_link(url: str | None) -> str:
    """Return the link to a log in brackets; empty without an address."""
    return f" ({link('log', url)})" if url else ""


def facts_line(view: StackView) -> str:
    """Return plan, commit, expiry and log of a stack's plan."""
    plan = view.plan
    if plan is None:
        return f"{link('log', view.run_url)}\n\n" if view.run_url else ""
    expires = plan.status is PlanStatus.PLANNED
    said = [
        f"Plan {code(plan.id)}",
        short(plan.head_sha),
        *([f"expires {minute(plan.expires_at)}"] if expires else ()),
        *([link("log", view.run_url)] if view.run_url else ()),
    ]
    return f"{' · '.join(said)}\n\n"

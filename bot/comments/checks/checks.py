"""Titles and summaries of the check runs `gatewright/plan` and `gatewright/apply`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.comments.markdown.budget import Drop, Part, fit
from bot.comments.markdown.escape import code, one_line, prose, text
from bot.comments.markdown.words import Step, command, counted, short, steps, to_do
from bot.domain.commands.terraform_arguments import is_partial
from bot.domain.core.model import PlanStatus, Run, RunKind, RunStatus, Stack
from bot.domain.plans.plan import PlanRecord

_MOST_PATHS = 30
_MOST_IN_TITLE = 4
_ACTIVE = frozenset({RunStatus.QUEUED, RunStatus.PREPARING, RunStatus.RUNNING})


class Conclusion(StrEnum):
    """GitHub's conclusions of check runs."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"


class UndoneBy(StrEnum):
    """Why an applied change is no longer in place, as the end of `applied, and`."""

    REVERTED = "undone by a revert"
    RESTORED = "its state was restored since"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckText:
    """The contents of a check run."""

    conclusion: Conclusion | None
    """None while it is incomplete."""
    title: str
    """Plain text."""
    summary: str
    """Markdown."""
    is_waiting: bool = False
    """Whether an incomplete check waits for people while nothing is in progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """One stack at the commit of the check."""

    stack: Stack
    plan: PlanRecord | None = None
    run: Run | None = None
    """The newest run of the stack at this commit, ended or not."""
    change: Run | None = None
    """The queued or running run that changes it."""
    apply_failed: bool = False
    """Whether its newest apply at this commit failed."""
    is_optional: bool = False
    """Whether it is planned only by command, and does not block a merge."""
    paused: bool = False
    """Whether it is not planned because a revert of it is pending."""
    undone_by: UndoneBy | None = None
    """What the pull request did after its last apply: the applied change is not, or may not be, in place."""


def plan_check(rows: Sequence[CheckRow], *, unplanned: Sequence[Stack] = ()) -> CheckText:
    """Return `gatewright/plan`: green if every touched stack has a plan, even without changes.

    `unplanned` are touched stacks that are planned only by command.
    """
    if not rows and not unplanned:
        return _untouched()
    working = [row for row in rows if _is_planning(row)]
    paused = [row for row in rows if row.paused]
    failed = [row for row in rows if _is_plan_failed(row) and not row.is_optional]
    conclusion: Conclusion | None = None
    if working:
        title = f"Planning {counted(len(working), 'stack')}"
    elif failed:
        title = f"Planning failed for {counted(len(failed), 'stack')}"
        conclusion = Conclusion.FAILURE
    elif paused:
        title = f"{counted(len(paused), 'stack')} not planned while a revert is pending"
    else:
        title = _all_planned(rows, unplanned)
        conclusion = Conclusion.SUCCESS
    again = [
        *(_step("To plan", "again", "plan", row.stack) for row in (*failed, *paused)),
        *(_step("To plan", "", "plan", stack) for stack in unplanned),
    ]
    # What changes a stack now is in the other check.
    summary = _summary([replace(row, change=None) for row in rows], again, unplanned=unplanned)
    is_waiting = bool(paused) and not working and not failed
    return CheckText(conclusion=conclusion, title=title, summary=summary, is_waiting=is_waiting)


def apply_check(rows: Sequence[CheckRow], *, unplanned: Sequence[Stack] = (), others: int = 0) -> CheckText:
    """Return `gatewright/apply`: green if all required stacks are applied or unchanged.

    Required are the stacks that must be applied before a merge. `unplanned` are those of them without a plan;
    `others` counts touched stacks that a merge does not require.
    """
    if not rows and not unplanned:
        return _nothing_required() if others else _untouched()
    missing = [row for row in rows if not _is_done(row)]
    running = [row for row in rows if _is_applying(row)]
    failed = [row for row in missing if row not in running and _is_apply_failed(row)]
    steps_left = [
        *(_step("To apply", "", _opener(row), row.stack) for row in missing if row not in running),
        *(_step("To plan", "", "plan", stack) for stack in unplanned),
    ]
    if running:
        title, conclusion = f"Applying {_names(row.stack for row in running)}", None
    elif failed:
        title, conclusion = f"The apply failed: {_names(row.stack for row in failed)}", Conclusion.FAILURE
    elif missing or unplanned:
        title = f"Not applied yet: {_names([*(row.stack for row in missing), *unplanned])}"
        conclusion = None
    else:
        title = f"Required environments are up to date: {_names(row.stack for row in rows)}"
        conclusion = Conclusion.SUCCESS
    return CheckText(
        conclusion=conclusion,
        title=title,
        summary=_summary(rows, steps_left, unplanned=unplanned),
        is_waiting=conclusion is None and not running,
    )


def unselected_check() -> CheckText:
    """Return `gatewright/apply` for a commit without runs, whose stacks are not all known.

    Checks belong to commits: a draft of the same commit must not make another pull request green.
    """
    again = Step(sentence="To plan everything that it touches", command="/plan")
    return CheckText(
        conclusion=None,
        title="What must be applied is not known yet",
        summary="This commit was not planned automatically; commits of a draft are not.\n" + steps((again,)),
        is_waiting=True,
    )


def conflict_check(paths: Sequence[str], *, is_red: bool) -> CheckText:
    """Return either check for a pull request with a merge conflict; the check of plans is red."""
    shown = "".join(f"- {code(path)}\n" for path in paths[:_MOST_PATHS])
    return CheckText(
        conclusion=Conclusion.FAILURE if is_red else None,
        title="The pull request does not merge cleanly",
        summary=f"Plans are made of the merge into the base, and these files are in conflict:\n\n{shown}\n"
        "Resolve the conflicts and push.\n",
        is_waiting=not is_red,
    )


def _names(stacks: Iterable[Stack]) -> str:
    labels = list(dict.fromkeys(stack.label for stack in stacks))
    more = len(labels) - _MOST_IN_TITLE
    return one_line(", ".join([*labels[:_MOST_IN_TITLE], *([f"{more} more"] if more > 0 else ())]), 200)


def _step(verb: str, end: str, name: str, stack: Stack) -> Step:
    return Step(sentence=f"{verb} {stack.label} {end}".rstrip(), command=command(name, stack))


def _all_planned(rows: Sequence[CheckRow], unplanned: Sequence[Stack]) -> str:
    if not rows:
        return f"Not planned automatically: {_names(unplanned)}"
    said = [f"{row.stack.label}: {_would(row)}" for row in rows[:_MOST_IN_TITLE]]
    more = len(rows) - _MOST_IN_TITLE
    return one_line("; ".join([*said, *([f"{more} more"] if more > 0 else ())]), 200)


def _untouched() -> CheckText:
    return CheckText(
        conclusion=Conclusion.SUCCESS,
        title="No stack is touched",
        summary="This pull request changes no file of a stack.\n",
    )


def _nothing_required() -> CheckText:
    return CheckText(
        conclusion=Conclusion.SUCCESS,
        title="Nothing has to be applied before the merge",
        summary="The policy's `merge_requires` names none of the environments that this pull request touches.\n",
    )


def _summary(rows: Sequence[CheckRow], next_steps: Sequence[Step], *, unplanned: Sequence[Stack] = ()) -> str:
    return fit(
        [
            Part(text="| Stack | Plan | State |\n| --- | --- | --- |\n"),
            *_rows(rows, unplanned),
            Part(text="\n"),
            Part(text="", is_note=True),
            Part(text=steps(next_steps)),
        ]
    )


def _rows(rows: Sequence[CheckRow], unplanned: Sequence[Stack]) -> Iterator[Part]:
    for row in rows:
        plan = f"{code(row.plan.id)} of {short(row.plan.head_sha)}: {_would(row)}" if row.plan else "none"
        yield Part(text=f"| {text(row.stack.label, limit=100)} | {plan} | {_state(row)} |\n", drop=Drop.ROW)
    for stack in unplanned:
        yield Part(text=f"| {text(stack.label, limit=100)} | none | touched, not planned |\n", drop=Drop.ROW)


def _state(row: CheckRow) -> str:
    working = row.change or (row.run if _is_planning(row) else None)
    if working is not None:
        return f"⏳ {working.kind} {working.status}"
    if row.paused:
        return "⏸️ not planned: a revert is pending"
    if _is_undone(row):
        return f"↩️ applied, and {row.undone_by}"
    if _is_plan_failed(row) and row.run is not None and row.run.summary:
        return f"❌ {prose(row.run.summary, limit=200)}"
    if row.plan is not None:
        failed = row.apply_failed and not _is_done(row)
        return "❌ the apply failed" if failed else str(row.plan.status).replace("_", " ")
    return "not planned"


def _would(row: CheckRow) -> str:
    return to_do(row.plan.summary.counts, len(row.plan.summary.outputs)) if row.plan else "no plan"


def _is_planning(row: CheckRow) -> bool:
    return row.run is not None and row.run.kind is RunKind.PLAN and row.run.status in _ACTIVE


def _is_plan_failed(row: CheckRow) -> bool:
    """Whether a failure leaves no usable plan; an applied or empty plan stays valid."""
    run = row.run
    if run is None or run.kind is not RunKind.PLAN or run.status in _ACTIVE or _is_done(row):
        return False
    return run.plan_id is None


def _is_applying(row: CheckRow) -> bool:
    return row.change is not None or (row.plan is not None and row.plan.status is PlanStatus.APPLYING)


def _is_apply_failed(row: CheckRow) -> bool:
    return row.apply_failed or (row.plan is not None and row.plan.status is PlanStatus.FAILED)


def _is_done(row: CheckRow) -> bool:
    """Whether a plan is done; a targeted plan never is, however it ended."""
    if row.plan is None or is_partial(row.plan.arguments) or _is_undone(row):
        return False
    # A later apply, of a plan that leaves something out, may have failed.
    is_applied = row.plan.status is PlanStatus.APPLIED and not row.apply_failed
    return is_applied or row.plan.status is PlanStatus.NO_CHANGES


def _is_undone(row: CheckRow) -> bool:
    return row.undone_by is not None and row.plan is not None and row.plan.status is PlanStatus.APPLIED


def _opener(row: CheckRow) -> str:
    applicable = row.plan is not None and row.plan.status is PlanStatus.PLANNED
    return "apply" if applicable else "plan"

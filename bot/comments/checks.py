"""Titles and summaries of the check runs `gatewright/plan` and `gatewright/apply`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.comments.budget import Drop, Part, fit
from bot.comments.escape import code, one_line, prose, text
from bot.comments.words import Step, command, counted, short, steps, to_do
from bot.domain.model import PlanStatus, Run, RunStatus, Stack
from bot.domain.plan import PlanRecord
from bot.domain.terraform_arguments import is_partial

_MOST_PATHS = 30
_MOST_IN_TITLE = 4


class Conclusion(StrEnum):
    """GitHub's words for how a check ended."""

    SUCCESS = "success"
    FAILURE = "failure"
    ACTION_REQUIRED = "action_required"
    NEUTRAL = "neutral"


class TakenBack(StrEnum):
    """Why what was applied is not in place any more, to follow `applied, and`."""

    REVERTED = "taken back by a revert"
    RESTORED = "its state was restored since"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckText:
    """What a check run shows."""

    conclusion: Conclusion | None
    """None while it is in progress."""
    title: str
    """Plain text."""
    summary: str
    """Markdown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """One stack at the commit of the check."""

    stack: Stack
    plan: PlanRecord | None = None
    run: Run | None = None
    """The newest run of the stack at this commit, running or ended."""
    paused: bool = False
    """Whether it is not planned because a revert of it is pending."""
    taken_back: TakenBack | None = None
    """What the pull request has done to it since it was applied last: what it had applied is not there, or may not be."""


def plan_check(rows: Sequence[CheckRow]) -> CheckText:
    """Return `gatewright/plan`: green when every touched stack has a plan, whatever it would do."""
    if not rows:
        return _untouched()
    working = [row for row in rows if _is_at_work(row)]
    paused = [row for row in rows if row.paused]
    failed = [row for row in rows if row.plan is None and not _is_at_work(row) and not row.paused]
    if working:
        title = f"Planning {counted(len(working), 'stack')}"
    elif failed:
        title = f"Planning failed for {counted(len(failed), 'stack')}"
    elif paused:
        title = f"{counted(len(paused), 'stack')} not planned while a revert is pending"
    else:
        title = _all_planned(rows)
    again = tuple(
        Step(sentence=f"To plan {row.stack.label} again", command=command("plan", row.stack))
        for row in (*failed, *paused)
    )
    ended = Conclusion.FAILURE if failed else Conclusion.ACTION_REQUIRED if paused else Conclusion.SUCCESS
    conclusion = None if working else ended
    return CheckText(conclusion=conclusion, title=title, summary=_summary(rows, again))


def apply_check(rows: Sequence[CheckRow], *, others: int = 0) -> CheckText:
    """Return `gatewright/apply` over the stacks that must be applied before a merge: green when all are, or unchanged.

    `others` is how many touched stacks the policy lets a merge go ahead of.
    """
    if not rows and others:
        return CheckText(
            conclusion=Conclusion.SUCCESS,
            title="Nothing has to be applied before the merge",
            summary="The policy's `merge_requires` names none of the environments that this pull request touches.\n",
        )
    if not rows:
        return _untouched()
    missing = [row for row in rows if not _is_done(row)]
    running = [row for row in missing if row.plan is not None and row.plan.status is PlanStatus.APPLYING]
    failed = [row for row in missing if row.plan is not None and row.plan.status is PlanStatus.FAILED]
    again = tuple(
        Step(sentence=f"To apply {row.stack.label}", command=_opener(row))
        for row in missing
        if row not in running
    )
    if not missing:
        title = f"{counted(len(rows), 'stack')} applied or unchanged"
        return CheckText(conclusion=Conclusion.SUCCESS, title=title, summary=_summary(rows, ()))
    if running:
        title = f"Applying {counted(len(running), 'stack')}"
        return CheckText(conclusion=None, title=title, summary=_summary(rows, again))
    if failed:
        title = f"The apply failed for {counted(len(failed), 'stack')}"
        return CheckText(conclusion=Conclusion.FAILURE, title=title, summary=_summary(rows, again))
    title = f"{counted(len(missing), 'stack')} not applied yet"
    return CheckText(conclusion=Conclusion.ACTION_REQUIRED, title=title, summary=_summary(rows, again))


def unselected_check() -> CheckText:
    """Return `gatewright/apply` for a commit that has not planned itself: the stacks that are known are not all.

    Checks belong to commits: a draft of the same commit must not be green for another pull request.
    """
    again = Step(sentence="To plan everything that it touches", command="/plan")
    return CheckText(
        conclusion=Conclusion.ACTION_REQUIRED,
        title="What has to be applied is not known yet",
        summary="This commit has not planned itself, as the commits of a draft do not.\n" + steps((again,)),
    )


def conflict_check(paths: Sequence[str]) -> CheckText:
    """Return either check for a pull request that does not merge into its base."""
    shown = "".join(f"- {code(path)}\n" for path in paths[:_MOST_PATHS])
    return CheckText(
        conclusion=Conclusion.FAILURE,
        title="The pull request does not merge cleanly",
        summary=f"Plans are made of the merge into the base, and these files are in conflict:\n\n{shown}\n"
        "Resolve the conflicts and push.\n",
    )


def _all_planned(rows: Sequence[CheckRow]) -> str:
    said = [f"{row.stack.label}: {_would(row)}" for row in rows[:_MOST_IN_TITLE]]
    more = len(rows) - _MOST_IN_TITLE
    return one_line("; ".join([*said, *([f"{more} more"] if more > 0 else ())]), 200)


def _untouched() -> CheckText:
    return CheckText(
        conclusion=Conclusion.SUCCESS,
        title="No stack is touched",
        summary="This pull request changes no file of a stack.\n",
    )


def _summary(rows: Sequence[CheckRow], next_steps: Sequence[Step]) -> str:
    return fit(
        [
            Part(text="| Stack | Plan | State |\n| --- | --- | --- |\n"),
            *_rows(rows),
            Part(text="\n"),
            Part(text="", is_note=True),
            Part(text=steps(next_steps)),
        ]
    )


def _rows(rows: Sequence[CheckRow]) -> Iterator[Part]:
    for row in rows:
        plan = f"{code(row.plan.id)} of {short(row.plan.head_sha)}: {_would(row)}" if row.plan else "none"
        yield Part(text=f"| {text(row.stack.label, limit=100)} | {plan} | {_state(row)} |\n", drop=Drop.ROW)


def _state(row: CheckRow) -> str:
    if _is_at_work(row) and row.run is not None:
        return f"⏳ {row.run.kind} {row.run.status}"
    if row.paused:
        return "⏸️ not planned: a revert is pending"
    if _is_taken_back(row):
        return f"↩️ applied, and {row.taken_back}"
    if row.plan is not None:
        return str(row.plan.status).replace("_", " ")
    said = row.run.summary if row.run is not None else None
    return f"❌ {prose(said, limit=200)}" if said else "not planned"


def _would(row: CheckRow) -> str:
    return to_do(row.plan.summary.counts, len(row.plan.summary.outputs)) if row.plan else "no plan"


def _is_at_work(row: CheckRow) -> bool:
    return row.run is not None and row.run.status in {
        RunStatus.QUEUED,
        RunStatus.PREPARING,
        RunStatus.RUNNING,
    }


def _is_done(row: CheckRow) -> bool:
    """A plan that leaves something out says nothing of the rest, however it ended."""
    return (
        row.plan is not None
        and row.plan.status in {PlanStatus.APPLIED, PlanStatus.NO_CHANGES}
        and not is_partial(row.plan.arguments)
        and not _is_taken_back(row)
    )


def _is_taken_back(row: CheckRow) -> bool:
    return row.taken_back is not None and row.plan is not None and row.plan.status is PlanStatus.APPLIED


def _opener(row: CheckRow) -> str:
    applicable = row.plan is not None and row.plan.status is PlanStatus.PLANNED
    return command("apply" if applicable else "plan", row.stack)

"""`/status`: all stacks of the pull request in one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.comments.answers.stack_notes import StackNote, notes_part
from bot.comments.markdown.budget import Drop, Part, fit
from bot.comments.markdown.escape import code, link, text
from bot.comments.markdown.header import header
from bot.comments.markdown.words import Step, age, apply_command, minute, short, steps
from bot.comments.runs.errored_state import RescueView, rescue_part
from bot.comments.runs.operation import operation_title
from bot.domain.core.accounts import Account
from bot.domain.core.model import PlanStatus, Run, Sha, Stack
from bot.domain.plans.plan import Lock, PlanRecord

_OPEN = (PlanStatus.PLANNED,)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastApply:
    """The last successful apply of a stack."""

    actor: Account
    at: datetime
    commit: Sha | None
    serial: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRow:
    """One stack."""

    stack: Stack
    plan: PlanRecord | None = None
    """The newest plan of this pull request."""
    lock: Lock | None = None
    last_apply: LastApply | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveRun:
    """A queued or running run, with its page."""

    run: Run
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusView:
    """The contents of `/status`."""

    pull: int
    head_sha: Sha
    now: datetime
    rows: Sequence[StatusRow] = ()
    active: Sequence[ActiveRun] = ()
    next_steps: Sequence[Step] = ()
    """Next steps; empty for the ones that follow from the rows."""
    reference: str | None = None
    errored_states: Sequence[RescueView] = ()
    """States that an operator must recover."""
    notes: Sequence[StackNote] = ()
    """Stacks with notes that do not fit into their rows."""


def status_comment(view: StatusView) -> str:
    """Return the table of stacks, the active runs and the next steps."""
    first = header("status", head=view.head_sha, ref=view.reference)
    return fit(
        [
            Part(text=f"{first}\n### Status at {minute(view.now)}, commit {short(view.head_sha)}\n\n"),
            Part(text=rescue_part(view.errored_states)),
            *_table(view),
            Part(text=notes_part(view.notes, view.now)),
            *_active(view),
            Part(text="The rest is on the run pages.", is_note=True),
            Part(text=steps(view.next_steps or _usual_steps(view))),
        ]
    )


def _table(view: StatusView) -> Iterator[Part]:
    if not view.rows:
        yield Part(text="This pull request has no stack that the policy knows.\n\n")
        return
    yield Part(text="| Stack | Newest plan | Held by | Last apply |\n| --- | --- | --- | --- |\n")
    for row in view.rows:
        cells = (text(row.stack.label, limit=100), _plan(row, view), _holder(row, view), _applied(row, view))
        yield Part(text=f"| {' | '.join(cells)} |\n", drop=Drop.ROW)
    yield Part(text="\n")


def _plan(row: StatusRow, view: StatusView) -> str:
    plan = row.plan
    if plan is None:
        return "none"
    state = str(plan.status).replace("_", " ")
    expired = ", expired" if plan.status in _OPEN and plan.expires_at <= view.now else ""
    back = "" if plan.reverts_to is None else f" (back to {code(plan.reverts_to)})"
    if plan.operation is not None:
        back = f" ({operation_title(plan.operation)})"
    return f"{code(plan.id)}{back} {state}{expired}, {short(plan.head_sha)}, {age(plan.created_at, view.now)}"


def _holder(row: StatusRow, view: StatusView) -> str:
    lock = row.lock
    if lock is None:
        return "free"
    where = "this pull request" if lock.pull == view.pull else f"pull request {lock.pull}"
    return f"{where} ({code(lock.holder, limit=60)}, {age(lock.since, view.now)})"


def _applied(row: StatusRow, view: StatusView) -> str:
    last = row.last_apply
    if last is None:
        return "never"
    serial = "" if last.serial is None else f", serial {last.serial}"
    return f"{short(last.commit)} by {code(last.actor, limit=60)}, {age(last.at, view.now)}{serial}"


def _active(view: StatusView) -> Iterator[Part]:
    yield Part(text="**At work**\n", frame_of="active")
    for item in view.active:
        run = item.run
        shown = link(f"run {code(run.id)}", item.url)
        since = age(run.started_at or run.created_at, view.now)
        line = f"- {run.kind} of {text(run.stack.label, limit=100)}: {run.status}, {shown}, {since}\n"
        yield Part(text=line, drop=Drop.DETAIL, group="active")
    yield Part(text="\n", frame_of="active")


def _usual_steps(view: StatusView) -> tuple[Step, ...]:
    """Offer the applies that are possible now, or else a plan."""
    ready = [
        row
        for row in view.rows
        if row.plan is not None
        and row.plan.status in _OPEN
        and row.plan.head_sha == view.head_sha
        and row.plan.expires_at > view.now
        and (row.lock is None or row.lock.pull == view.pull)
    ]
    if view.active:
        return (Step(sentence="When the runs have ended, to look again", command="/status"),)
    if ready:
        return tuple(
            Step(
                sentence=f"To apply the plan of {row.stack.label}", command=apply_command(row.stack, row.plan)
            )
            for row in ready
        )
    return (plan_step(view.rows),)


def plan_step(rows: Sequence[StatusRow]) -> Step:
    """Return the next step if there is no plan to apply."""
    done = any(row.plan is not None and row.plan.status is PlanStatus.APPLIED for row in rows)
    if done:
        return Step(sentence="Nothing is left to apply; to re-plan", command="/plan")
    return Step(sentence="To plan what this pull request changes", command="/plan")

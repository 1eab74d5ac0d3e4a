"""One plan in a comment: what would change, what blocks it, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bot.comments.gates.table import gate_table
from bot.comments.markdown.budget import Part, fit
from bot.comments.markdown.escape import code, link, text
from bot.comments.markdown.header import header
from bot.comments.markdown.words import Step, command, minute, sentence, short, steps, to_do
from bot.comments.runs.operation import operation_notes, operation_title
from bot.comments.runs.plan_body import (
    caution,
    change_mark,
    diffs,
    drift,
    exposed,
    outputs,
    remarks,
    resource_table,
)
from bot.comments.runs.plan_origins import added_files, moving_sources
from bot.comments.runs.revert import RevertView, completed_parts, revert_notes
from bot.domain.core.model import PlanLane, PlanStatus, RunId
from bot.domain.gates import GateResult, Outcome
from bot.domain.plans.plan import Lock, PlanRecord
from bot.domain.releases.drift_checks import Drifted
from bot.domain.state.operations import command_of

STATES: Final = {
    PlanStatus.PLANNED: ("", ""),
    PlanStatus.NO_CHANGES: ("⚪", ""),
    PlanStatus.APPLYING: ("⏳", "applying"),
    PlanStatus.APPLIED: ("✅", "applied"),
    PlanStatus.FAILED: ("❌", "apply failed"),
    PlanStatus.STALE: ("⚠️", "stale"),
    PlanStatus.CANCELED: ("🚫", "canceled"),
}
"""Status -> icon and word; empty where the plan's own changes say more."""
_PARTIAL = ("-target", "-refresh=false")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    """What a comment says about one plan."""

    plan: PlanRecord
    run_url: str | None
    gates: Sequence[GateResult] = ()
    next_steps: Sequence[Step] = ()
    """Next steps; empty for the ones that follow from the plan's status."""
    locked_by: Lock | None = None
    """The lock on the stack if another pull request has it."""
    is_tenanted: bool = False
    """Whether the environment exists as long as the pull request that locks it."""
    applying_run: RunId | None = None
    revert: RevertView | None = None
    """What it goes back to, for the plan of a revert."""
    outside: Sequence[Drifted] = ()
    """The drift that the stack's newest check found."""


def plan_comment(view: PlanView) -> str:
    """Return the sticky comment of a revert or state operation, at most 60,000 bytes."""
    plan = view.plan
    first = header(
        "plan",
        env=plan.stack.env,
        project=plan.stack.project,
        run=plan.run_id,
        plan=plan.id,
        head=plan.head_sha,
        status=plan.status,
    )
    return fit(
        [
            Part(text=f"{first}\n{plan_title(view)}\n\n{plan_facts(view)}\n"),
            *plan_parts(view),
            whole_plan(view.run_url),
            Part(text=steps(plan_steps(view))),
        ]
    )


def plan_parts(view: PlanView, *, has_gates: bool = True) -> Iterator[Part]:
    """Yield what a plan would do and what blocks it, gravest first; `has_gates` False leaves the gates out."""
    plan, summary = view.plan, view.plan.summary
    yield Part(text="".join(f"\n{line}\n" for line in _circumstances(view)) + "\n")
    yield from revert_notes(view.revert, summary)
    yield from completed_parts(view.revert, summary)
    yield Part(text=operation_notes(plan))
    yield Part(text=caution(summary))
    yield Part(text=exposed(summary))
    yield Part(text=gate_table(view.gates) if has_gates else "")
    yield from resource_table(summary)
    yield from outputs(summary)
    yield from diffs(summary)
    yield from drift(summary, view.outside)
    yield from added_files(summary)
    yield from moving_sources(summary)
    yield from remarks("Warnings", summary.warnings)


def whole_plan(run_url: str | None) -> Part:
    """Return where to read what was left out for length."""
    return Part(text=f"The whole plan is on {link('the run page', run_url)}.", is_note=True)


def plan_steps(view: PlanView) -> Sequence[Step]:
    """Return the next commands."""
    return view.next_steps or _STEPS[view.plan.lane](view, view.plan)


def plan_title(view: PlanView) -> str:
    """Return the heading: what would happen, and the status of the plan."""
    plan = view.plan
    return f"### {plan_mark(plan)} {text(plan.stack.label)}: {plan_headline(plan)}"


def plan_headline(plan: PlanRecord) -> str:
    """Return what a plan would do, and its status unless it is ready: `1 to add (stale)`."""
    state = STATES[plan.status][1]
    what = to_do(plan.summary.counts, len(plan.summary.outputs))
    title = f"{what} ({state})" if state else what
    if plan.reverts_to is not None:
        title = f"revert to {code(plan.reverts_to)}, {title}"
    if plan.operation is not None:
        title = f"{operation_title(plan.operation)}, {title}"
    return title


def plan_mark(plan: PlanRecord) -> str:
    """Return the icon of the status, or that of the gravest change of a plan that can be applied."""
    return STATES[plan.status][0] or change_mark(plan.summary)


def plan_facts(view: PlanView) -> str:
    """Return the line of what identifies a plan."""
    plan = view.plan
    facts = [
        f"Plan {code(plan.id)}",
        f"commit {short(plan.head_sha)}",
        "no state yet" if plan.state_serial is None else f"state serial {plan.state_serial}",
        f"expires {minute(plan.expires_at)}",
        *([link("log", view.run_url)] if view.run_url else ()),
    ]
    return " · ".join(facts)


def _circumstances(view: PlanView) -> Iterator[str]:
    """Yield the notes that must be read before the table."""
    plan, lock = view.plan, view.locked_by
    why = f" {sentence(plan.status_reason, limit=300)}" if plan.status_reason else ""
    if plan.status is PlanStatus.STALE:
        yield f"> [!WARNING]\n> **This plan is stale and cannot be applied.**{why}"
    elif plan.status is PlanStatus.FAILED:
        yield f"> [!WARNING]\n> **Applying this plan failed.**{why}"
    elif why:
        yield why.strip()
    if plan.arguments:
        partial = any(argument.startswith(_PARTIAL) for argument in plan.arguments)
        so = ": it does not show everything, and it cannot be promoted." if partial else "."
        yield f"> [!NOTE]\n> This plan was made with {code(' '.join(plan.arguments))}{so}"
    if lock is not None:
        yield _held(lock, plan, is_tenanted=view.is_tenanted)


def _held(lock: Lock, plan: PlanRecord, *, is_tenanted: bool) -> str:
    """Return which pull request has the lock, and what that means for the plan."""
    said = (
        f"> [!NOTE]\n> #{lock.pull} ({code(lock.holder, limit=60)}) has locked"
        f" {text(lock.stack.label, limit=150)} since {minute(lock.since)}"
    )
    if not is_tenanted:
        unlock = code(f"/unlock {lock.stack.env}", limit=150)
        return f"{said}. It can be applied here when #{lock.pull} is merged, or after {unlock} there."
    # Plans of an environment that was handed over are stale, so an open one was made while that one held it.
    against = (
        f" **This plan was made against the state of #{lock.pull}**: it starts from what #{lock.pull} has there."
        if plan.status in {PlanStatus.PLANNED, PlanStatus.NO_CHANGES}
        else ""
    )
    destroy = code(command("destroy", lock.stack), limit=150)
    return (
        f"{said}.{against} It can be applied here when #{lock.pull} is merged or closed, or after {destroy} there: the"
        " environment is then destroyed, and the next pull request in the queue gets a new plan."
    )


def _revert_steps(view: PlanView, plan: PlanRecord) -> tuple[Step, ...]:
    """Return the steps of a revert plan, with its name.

    While a revert plan is pending, `/apply` without a plan is ambiguous.
    """
    look = Step(sentence="To see what is running", command="/status")
    match plan.status:
        case PlanStatus.PLANNED:
            return (
                Step(
                    sentence="To go back with exactly this plan",
                    command=command("apply", plan.stack, plan.id),
                ),
                Step(sentence="To drop it", command=f"/cancel {plan.id}"),
            )
        case PlanStatus.APPLYING:
            stop = (Step(sentence="To stop it", command=f"/cancel {view.applying_run}"),)
            return (*(stop if view.applying_run else ()), look)
        case PlanStatus.APPLIED | PlanStatus.NO_CHANGES:
            return (Step(sentence="To see every environment of this pull request", command="/status"),)
        case _:
            again = command("revert", plan.stack, "to", str(plan.reverts_to))
            return (Step(sentence="To re-plan the revert", command=again),)


def _operation_steps(view: PlanView, plan: PlanRecord) -> tuple[Step, ...]:
    """Return the steps of an operation's plan, with its name.

    `/apply` without a name refers to the pull request's own plan.
    """
    if plan.operation is None or plan.status is PlanStatus.APPLYING:
        return _revert_steps(view, plan)
    match plan.status:
        case PlanStatus.PLANNED:
            shut = any(gate.outcome is not Outcome.PASS for gate in view.gates)
            opened = "Once the gates above are open, to" if shut else "To"
            return (
                Step(sentence=f"{opened} do exactly this", command=command("apply", plan.stack, plan.id)),
                Step(sentence="To drop it", command=f"/cancel {plan.id}"),
            )
        case PlanStatus.APPLIED | PlanStatus.NO_CHANGES:
            return (Step(sentence="To plan the code now", command=command("plan", plan.stack)),)
        case _:
            return (Step(sentence="To re-plan it", command=command_of(plan.operation, plan.stack)),)


def _usual_steps(view: PlanView, plan: PlanRecord) -> tuple[Step, ...]:
    again = command("plan", plan.stack)
    shut = any(gate.outcome is not Outcome.PASS for gate in view.gates)
    match plan.status:
        case PlanStatus.PLANNED:
            purpose = (
                "Once the gates above are open, to apply exactly this plan"
                if shut
                else "To apply exactly this plan"
            )
            return (
                Step(sentence=purpose, command=command("apply", plan.stack)),
                Step(sentence="To re-plan", command=again),
            )
        case PlanStatus.NO_CHANGES:
            return (Step(sentence="There is nothing to apply; to re-plan", command=again),)
        case PlanStatus.APPLYING:
            stop = (Step(sentence="To stop the apply", command=f"/cancel {view.applying_run}"),)
            return (
                *(stop if view.applying_run else ()),
                Step(sentence="To see what is running", command="/status"),
            )
        case PlanStatus.APPLIED:
            return (Step(sentence="To see every environment of this pull request", command="/status"),)
        case PlanStatus.FAILED:
            return (Step(sentence="To see what is left to do", command=again),)
        case PlanStatus.STALE | PlanStatus.CANCELED:
            return (Step(sentence="To re-plan", command=again),)


_STEPS: Final = {
    PlanLane.CODE: _usual_steps,
    PlanLane.REVERT: _revert_steps,
    PlanLane.STATE: _operation_steps,
}

"""The plan comment: what would change, what blocks it, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.comments.gates.table import gate_table
from bot.comments.markdown.budget import Part, fit
from bot.comments.markdown.escape import code, link, text
from bot.comments.markdown.header import header
from bot.comments.markdown.words import Step, command, minute, short, step_blocks, to_do
from bot.comments.runs.operation import operation_notes, operation_title
from bot.comments.runs.plan_body import caution, diffs, drift, exposed, outputs, remarks, resource_table
from bot.comments.runs.plan_notes import plan_notes
from bot.comments.runs.plan_origins import added_files, moving_sources
from bot.comments.runs.revert import RevertView, completed_parts, revert_notes
from bot.domain.core.model import PlanLane, PlanStatus, RunId
from bot.domain.gates import GateResult, Outcome
from bot.domain.plans.plan import Lock, PlanRecord
from bot.domain.releases.drift_checks import Drifted
from bot.domain.state.operations import command_of

_STATES = {
    PlanStatus.PLANNED: ("📋", "planned"),
    PlanStatus.NO_CHANGES: ("✅", "no changes"),
    PlanStatus.APPLYING: ("⏳", "applying"),
    PlanStatus.APPLIED: ("✅", "applied"),
    PlanStatus.FAILED: ("❌", "failed"),
    PlanStatus.STALE: ("⚠️", "**stale**"),
    PlanStatus.CANCELED: ("🚫", "canceled"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    """The contents of the plan comment."""

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
    """Return the sticky comment of one stack on one pull request, at most 60,000 bytes."""
    plan, summary = view.plan, view.plan.summary
    usual = _STEPS[plan.lane]
    return fit(
        [
            Part(text=_top(view)),
            *revert_notes(view.revert, summary),
            *completed_parts(view.revert, summary),
            Part(text=operation_notes(plan)),
            Part(text=caution(summary)),
            Part(text=exposed(summary)),
            Part(text=gate_table(view.gates)),
            *resource_table(summary),
            *outputs(summary),
            *diffs(summary),
            *drift(summary, view.outside),
            *added_files(summary),
            *moving_sources(summary),
            *remarks("Warnings", summary.warnings),
            Part(text=f"The whole plan is on {link('the run page', view.run_url)}.", is_note=True),
            Part(text=step_blocks(view.next_steps or usual(view, plan))),
        ]
    )


def _top(view: PlanView) -> str:
    plan = view.plan
    mark, state = _STATES[plan.status]
    first = header(
        "plan",
        env=plan.stack.env,
        project=plan.stack.project,
        run=plan.run_id,
        plan=plan.id,
        head=plan.head_sha,
        status=plan.status,
    )
    what = to_do(plan.summary.counts, len(plan.summary.outputs))
    title = what if plan.status is PlanStatus.NO_CHANGES else f"{what} ({state})"
    if plan.reverts_to is not None:
        title = f"revert to {code(plan.reverts_to)}, {title}"
    if plan.operation is not None:
        title = f"{operation_title(plan.operation)}, {title}"
    facts = [
        f"Commit {short(plan.head_sha)}",
        "no state yet" if plan.state_serial is None else f"state serial {plan.state_serial}",
        f"plan {code(plan.id)}",
        f"expires {minute(plan.expires_at)}",
        *([link("run", view.run_url)] if view.run_url else ()),
    ]
    said = "".join(f"\n{line}\n" for line in plan_notes(plan, view.locked_by, is_tenanted=view.is_tenanted))
    return f"{first}\n### {mark} {text(plan.stack.label)}: {title}\n\n{' · '.join(facts)}\n{said}\n"


def _revert_steps(view: PlanView, plan: PlanRecord) -> tuple[Step, ...]:
    """Return the steps of a revert plan, with its name.

    While a revert plan is pending, `/apply` without a plan is ambiguous.
    """
    look = Step(sentence="To see what is running", command="/status")
    match plan.status:
        case PlanStatus.PLANNED:
            return (
                Step(
                    sentence="To revert with exactly this plan",
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
                Step(
                    sentence=f"{opened} apply exactly this plan",
                    command=command("apply", plan.stack, plan.id),
                ),
                Step(sentence="To drop it", command=f"/cancel {plan.id}"),
            )
        case PlanStatus.APPLIED | PlanStatus.NO_CHANGES:
            return (
                Step(sentence="To plan the code against the new state", command=command("plan", plan.stack)),
            )
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
            return (Step(sentence="Nothing to apply; to re-plan", command=again),)
        case PlanStatus.APPLYING:
            stop = (Step(sentence="To stop the apply", command=f"/cancel {view.applying_run}"),)
            return (
                *(stop if view.applying_run else ()),
                Step(sentence="To see what is running", command="/status"),
            )
        case PlanStatus.APPLIED:
            return (Step(sentence="To see every environment of this pull request", command="/status"),)
        case PlanStatus.FAILED:
            return (Step(sentence="To plan what is left", command=again),)
        case PlanStatus.STALE | PlanStatus.CANCELED:
            return (Step(sentence="To re-plan", command=again),)


_STEPS: Final = {
    PlanLane.CODE: _usual_steps,
    PlanLane.REVERT: _revert_steps,
    PlanLane.STATE: _operation_steps,
}

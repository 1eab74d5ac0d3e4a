"""The details of one stack in the plan comment: its resources, gates, diff, drift, warnings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bot.comments.gates.table import blocked, passed
from bot.comments.markdown.budget import Drop, Part
from bot.comments.markdown.escape import code, link, summary
from bot.comments.markdown.words import counted, short
from bot.comments.pulls.plan_table import facts_line, stack_changes, stack_mark
from bot.comments.pulls.plan_view import StackState, StackView, state_of
from bot.comments.runs.failures import failure_explained
from bot.comments.runs.plan_body import caution, diffs, drift, exposed, outputs, remarks, resource_table
from bot.comments.runs.plan_notes import plan_notes
from bot.comments.runs.plan_origins import added_files, moving_sources
from bot.comments.runs.report import RunView
from bot.domain.core.model import RunStatus
from bot.domain.gates import Outcome
from bot.domain.plans.plan import PlanRecord

_WITHOUT_DANGER = frozenset({StackState.APPLIED, StackState.CANCELED})


def only_stack(view: StackView) -> Iterator[Part]:
    """Yield the details of the only stack, unfolded."""
    yield Part(text=planning_note(view))
    if view.failed is not None:
        yield Part(text=failed_plan(view))
        yield Part(text=_older_plan(view))
        return
    plan = view.plan
    if plan is None:
        return
    yield from (Part(text=f"{note}\n\n") for note in _notes(view, plan))
    if state_of(view) not in _WITHOUT_DANGER:
        yield Part(text=caution(plan.summary))
        yield Part(text=exposed(plan.summary))
    yield Part(text=blocked(view.gates))
    yield Part(text=passed(view.gates))
    yield from _body(view, plan)


def stack_section(view: StackView, key: str) -> Iterator[Part]:
    """Yield a stack of several, folded; `key` is the group of its parts."""
    said = stack_changes(view)
    title = f"{stack_mark(view)} <b>{summary(view.stack.label)}</b>: {said or state_of(view).value}"
    if said and state_of(view).value != said:
        title += f" ({state_of(view).value})"
    yield Part(text=f"<details><summary>{title}</summary>\n\n", frame_of=key)
    for part in _section_parts(view):
        inner = f"{key}/{part.group}" if part.group else key
        frame = f"{key}/{part.frame_of}" if part.frame_of else None
        if frame is not None:
            yield replace(part, frame_of=frame)
        else:
            # The table and the boxes above say what matters, so that a section may go as a whole.
            yield replace(part, drop=part.drop or Drop.ROW, group=inner)
    yield Part(text="</details>\n\n", frame_of=key)


def _section_parts(view: StackView) -> Iterator[Part]:
    yield Part(text=planning_note(view), drop=Drop.DETAIL)
    if view.failed is not None:
        yield Part(text=failed_plan(view), drop=Drop.WARNING)
        yield Part(text=_older_plan(view), drop=Drop.WARNING)
        return
    plan = view.plan
    if plan is None:
        return
    yield Part(text=facts_line(view), drop=Drop.DETAIL)
    # The caution box and the shut gates of every stack are at the top as well, and there they are never omitted.
    yield from (Part(text=f"{note}\n\n", drop=Drop.GATE) for note in _notes(view, plan))
    yield Part(text=blocked(view.gates), drop=Drop.GATE)
    yield Part(text=_passed_names(view), drop=Drop.DETAIL)
    yield from _body(view, plan)


def _body(view: StackView, plan: PlanRecord) -> Iterator[Part]:
    planned = plan.summary
    yield from resource_table(planned)
    yield from outputs(planned)
    yield from diffs(planned)
    yield from drift(planned, view.outside)
    yield from added_files(planned)
    yield from moving_sources(planned)
    yield from remarks("Warnings", planned.warnings)


def _notes(view: StackView, plan: PlanRecord) -> Iterator[str]:
    yield from plan_notes(plan, view.locked_by, is_tenanted=view.is_tenanted)


def _passed_names(view: StackView) -> str:
    fine = [gate.gate for gate in view.gates if gate.outcome is Outcome.PASS]
    return f"{counted(len(fine), 'gate')} passed: {', '.join(map(summary, fine))}\n\n" if fine else ""


def planning_note(view: StackView) -> str:
    """Return what is planned at the moment; empty if nothing is."""
    run = view.planning
    if run is None:
        return ""
    doing = "Queued: a plan" if run.status is RunStatus.QUEUED else "Planning"
    of = f" of {short(run.head_sha)}" if run.head_sha else ""
    log = f" ({link('log', view.run_url)})" if view.run_url else ""
    older = "" if view.plan is None else f" Below is the previous plan, {code(view.plan.id)}."
    return f"⏳ {doing}{of} is in progress{log}.{older}\n\n"


def failed_plan(view: StackView) -> str:
    """Return why there is no plan, with the end of the log; empty unless that failed."""
    if view.failed is None:
        return ""
    _, explained = failure_explained(RunView(run=view.failed, run_url=view.run_url))
    return f"{explained.strip()}\n\n"


def _older_plan(view: StackView) -> str:
    if view.plan is None:
        return ""
    return f"The previous plan was {code(view.plan.id)} of {short(view.plan.head_sha)}.\n\n"

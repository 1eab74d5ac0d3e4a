"""One stack of a pull request in its plan comment: mark, changes, state and details."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bot.comments.markdown.budget import Drop, Part
from bot.comments.markdown.escape import link, text
from bot.comments.markdown.header import StackStatus
from bot.comments.markdown.words import Step, counted, to_do
from bot.comments.runs.failures import failed_body, failed_mark, failed_status, failed_steps, how_it_ended
from bot.comments.runs.plan import PlanView, plan_facts, plan_headline, plan_mark, plan_parts, plan_steps
from bot.comments.runs.plan_body import change_mark
from bot.comments.runs.report import RunView
from bot.domain.core.model import PlanStatus, Run, Stack
from bot.domain.gates import GateResult, shut
from bot.domain.plans.plan import Lock, PlanRecord
from bot.domain.releases.drift_checks import Drifted

_STATE_WORDS = {PlanStatus.NO_CHANGES: "unchanged", PlanStatus.FAILED: "apply failed"}
_GRAVEST_FIRST = ("❌", "🟥", "⚠️", "⏳", "🟨", "🟩", "🚫", "✅", "⚪")


@dataclass(frozen=True, slots=True, kw_only=True)
class StackView:
    """One stack of the pull request with its newest plan or plan run."""

    stack: Stack
    plan: PlanRecord | None = None
    """The newest plan of the pull request's code."""
    failed: Run | None = None
    """The newest plan run, if it ended without a plan and is newer than the plan."""
    planning: Run | None = None
    """A plan run that is queued or in progress and newer than the plan."""
    run_url: str | None = None
    """Of the newest run."""
    gates: Sequence[GateResult] = ()
    locked_by: Lock | None = None
    """The lock on the stack if another pull request has it."""
    is_tenanted: bool = False
    """Whether the environment exists as long as the pull request that locks it."""
    applying: Run | None = None
    applying_url: str | None = None
    outside: Sequence[Drifted] = ()
    """The drift that the stack's newest check found."""
    next_steps: Sequence[Step] = ()
    """Next steps; empty for the ones that follow from the status."""

    @property
    def is_unchanged(self) -> bool:
        """Whether there is nothing to do and nothing wrong."""
        plan = self.plan
        fine = self.failed is None and self.planning is None and plan is not None
        return fine and plan is not None and plan.status is PlanStatus.NO_CHANGES

    @property
    def is_ready(self) -> bool:
        """Whether `/apply` would apply the plan now."""
        return self._can_be_applied and self.locked_by is None and not shut(self.gates)

    @property
    def is_blocked(self) -> bool:
        """Whether only shut gates prevent the apply."""
        return self._can_be_applied and self.locked_by is None and bool(shut(self.gates))

    @property
    def _can_be_applied(self) -> bool:
        plan = self.plan
        current = self.failed is None and self.planning is None and plan is not None
        # Steps of its own mean that the policy lets nobody apply it.
        return current and plan is not None and plan.status is PlanStatus.PLANNED and not self.next_steps


def label(view: StackView) -> str:
    """Return the name of the stack."""
    return text(view.stack.label, limit=100)


def status(view: StackView) -> StackStatus:
    """Return what the header says about the stack."""
    env, project = view.stack.env, view.stack.project
    if view.failed is not None or view.plan is None:
        run = view.failed or view.planning
        ended = "failed" if view.failed is None else failed_status(view.failed)
        return StackStatus(env=env, project=project, run=None if run is None else run.id, status=ended)
    return StackStatus(
        env=env, project=project, run=view.plan.run_id, plan=view.plan.id, status=view.plan.status
    )


def mark(view: StackView) -> str:
    """Return the icon: of the failure, the status, or else of the gravest change."""
    if view.planning is not None:
        return "⏳"
    if view.failed is not None:
        return failed_mark(view.failed)
    return "⚪" if view.plan is None else plan_mark(view.plan)


def headline(view: StackView) -> str:
    """Return what would happen, in a line."""
    if view.failed is not None:
        return how_it_ended(view.failed.status)
    return "" if view.plan is None else plan_headline(view.plan)


def gravity(view: StackView) -> int:
    """Return the rank of a stack, the gravest first."""
    marks = {mark(view)}
    if view.plan is not None and view.failed is None:
        marks.add(change_mark(view.plan.summary) if view.is_ready or view.is_blocked else mark(view))
    return min(_GRAVEST_FIRST.index(each) for each in marks)


def table_row(view: StackView, *, has_risk: bool) -> Part:
    """Return the row of the stack; only those of unchanged stacks may be omitted."""
    changes = (
        ""
        if view.plan is None or view.failed
        else to_do(view.plan.summary.counts, len(view.plan.summary.outputs))
    )
    risk = [_risk(view)] if has_risk else []
    cells = [f"{mark(view)} {label(view)}", changes, *risk, _state(view)]
    drop = Drop.UNCHANGED if view.is_unchanged else None
    return Part(text=f"| {' | '.join(cells)} |\n", drop=drop, group="table")


def _risk(view: StackView) -> str:
    return "" if view.plan is None or view.failed is not None else str(view.plan.summary.risk.level)


def _state(view: StackView) -> str:
    if view.planning is not None:
        return link("planning", view.run_url)
    if view.failed is not None:
        return link(how_it_ended(view.failed.status), view.run_url)
    if view.applying is not None:
        return link("applying", view.applying_url)
    return "" if view.plan is None else _plan_state(view, view.plan)


def _plan_state(view: StackView, plan: PlanRecord) -> str:
    if plan.status is not PlanStatus.PLANNED:
        return _STATE_WORDS.get(plan.status, str(plan.status))
    if view.locked_by is not None:
        return f"locked by #{view.locked_by.pull}"
    if view.is_blocked:
        return f"blocked by {counted(len(shut(view.gates)), 'gate')}"
    return "ready" if view.is_ready else "plan only"


def section(view: StackView) -> Iterator[Part]:
    """Yield the folded details of a stack in a comment about several."""
    key = f"{view.stack.env}/{view.stack.project}"
    title = f"{mark(view)} {label(view)}: {headline(view)}"
    yield Part(text=f"<details><summary>{title}</summary>\n\n", frame_of=key)
    least = Drop.UNCHANGED if view.is_unchanged else Drop.DETAIL
    for part in details(view, has_gates=True):
        is_frame = part.frame_of is not None
        yield replace(
            part,
            drop=part.drop if is_frame else part.drop or least,
            group=None if is_frame else (key if part.group is None else f"{key}:{part.group}"),
            frame_of=f"{key}:{part.frame_of}" if is_frame else None,
        )
    yield Part(text="</details>\n\n", frame_of=key)


def details(view: StackView, *, has_gates: bool) -> Iterator[Part]:
    """Yield what identifies the plan, what it would do and what blocks it."""
    if view.failed is not None:
        yield Part(text=failed_body(RunView(run=view.failed, run_url=view.run_url)) + "\n")
        return
    if view.plan is None:
        return
    shown = _plan_view(view)
    yield Part(text=plan_facts(shown) + "\n")
    if view.planning is not None:
        yield Part(text=f"\n⏳ A newer plan is being made: {link('log', view.run_url)}.\n")
    if view.applying is not None:
        yield Part(text=f"\n⏳ It is being applied: {link('log', view.applying_url)}.\n")
    yield from plan_parts(shown, has_gates=has_gates)


def own_steps(view: StackView) -> Sequence[Step]:
    """Return the next commands of a comment about this stack alone."""
    if view.failed is not None:
        return failed_steps(RunView(run=view.failed, run_url=view.run_url))
    return () if view.plan is None else plan_steps(_plan_view(view))


def _plan_view(view: StackView) -> PlanView:
    if view.plan is None:
        raise ValueError("a stack without a plan")
    return PlanView(
        plan=view.plan,
        run_url=view.run_url,
        gates=view.gates,
        next_steps=view.next_steps,
        locked_by=view.locked_by,
        is_tenanted=view.is_tenanted,
        applying_run=None if view.applying is None else view.applying.id,
        outside=view.outside,
    )

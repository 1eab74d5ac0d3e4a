"""Several projects of one environment, applied in order."""

from __future__ import annotations

from collections.abc import Sequence

from bot.comments.markdown.budget import Drop, Part, fit
from bot.comments.markdown.escape import code, text
from bot.comments.markdown.header import header
from bot.comments.markdown.words import Step, steps
from bot.domain.core.model import Run, RunStatus
from bot.domain.plans.plan import PlanRecord

_MARKS = {
    RunStatus.SUCCEEDED: "✅ applied",
    RunStatus.FAILED: "❌ failed",
    RunStatus.CANCELED: "🚫 canceled",
    RunStatus.TIMED_OUT: "⏱️ stopped, it took too long",
    RunStatus.INTERRUPTED: "⚠️ interrupted",
}


def sequence_started_comment(*, plans: Sequence[PlanRecord], reference: str) -> str:
    """Return the notice of the order in which projects are applied."""
    env = plans[0].stack.env
    rows = [
        Part(text=f"{number}. {text(plan.stack.label, limit=100)}, plan {code(plan.id)}\n", drop=Drop.ROW)
        for number, plan in enumerate(plans, start=1)
    ]
    first = header("sequence", env=env, status="started", ref=reference)
    return fit(
        [
            Part(text=f"{first}\n### 🪜 {text(env)}: {len(plans)} projects, one after the other\n\n"),
            *rows,
            Part(text="\nThe first that is not applied stops those after it.\n"),
            Part(text="", is_note=True),
        ]
    )


def sequence_stopped_comment(*, runs: Sequence[Run], stopped_by: Run) -> str:
    """Return which projects of a sequence were applied; `runs` are in order."""
    env = stopped_by.stack.env
    first = header("sequence", env=env, run=stopped_by.id, status="stopped")
    skipped = [run for run in runs if run.detail.get("because_of") == stopped_by.id]
    rows = [
        Part(text=f"| {text(run.stack.label, limit=100)} | {_outcome(run, skipped)} |\n", drop=Drop.ROW)
        for run in runs
    ]
    return fit(
        [
            Part(
                text=f"{first}\n### 🪜 {text(env)}: stopped at {text(stopped_by.stack.label, limit=100)}\n\n"
                "| Project | How it went |\n| --- | --- |\n"
            ),
            *rows,
            Part(text="\n"),
            Part(text="", is_note=True),
            Part(
                text=steps(
                    [
                        Step(
                            sentence="When its new plan is right, to apply it and then all that is left",
                            command=f"/apply {env}",
                        )
                    ]
                )
            ),
        ]
    )


def _outcome(run: Run, skipped: Sequence[Run]) -> str:
    if run in skipped:
        return "⏭️ not applied"
    return _MARKS.get(run.status, str(run.status))

"""What is said when a pull request is closed or merged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.comments.budget import Drop, Part, fit
from bot.comments.escape import code, text
from bot.comments.header import header
from bot.comments.words import Step, minute, short, steps
from bot.domain.model import PlanStatus, Sha
from bot.domain.plan import Lock, PlanRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingView:
    """A merged pull request: its newest plan of each stack, and what it no longer holds."""

    pull: int
    merge_commit: Sha | None
    base_ref: str
    plans: Sequence[PlanRecord] = ()
    released: Sequence[Lock] = ()
    next_steps: Sequence[Step] = ()


def closed_comment(*, locks: Sequence[Lock], reference: str) -> str:
    """Return the comment for a pull request that was closed unmerged while it held stacks."""
    first = header("closeout", status="closed", ref=reference)
    rows = [
        Part(
            text=f"- {text(lock.stack.label, limit=100)}, since {minute(lock.since)}, taken by {code(lock.holder, limit=60)}\n",
            drop=Drop.ROW,
        )
        for lock in locks
    ]
    envs = list(dict.fromkeys(lock.stack.env for lock in locks))
    return fit(
        [
            Part(
                text=f"{first}\n### ⚠️ Closed without a merge, and still holding\n\n"
                "What this pull request applied stays applied, so these stacks stay locked for others:\n\n"
            ),
            *rows,
            Part(text="\n"),
            Part(text="", is_note=True),
            Part(
                text=steps(
                    Step(sentence=f"To leave {env} as it is and let others apply", command=f"/unlock {env}")
                    for env in envs
                )
            ),
        ]
    )


def merged_comment(view: ClosingView, *, reference: str) -> str:
    """Return the closeout of a merged pull request."""
    first = header("closeout", head=view.merge_commit, status="merged", ref=reference)
    return fit(
        [
            Part(
                text=f"{first}\n### 🏁 Merged into {code(view.base_ref, limit=150)}"
                + (f" as {short(view.merge_commit)}" if view.merge_commit else "")
                + "\n\n"
            ),
            *_rows(view),
            Part(text=_released(view.released)),
            Part(text="", is_note=True),
            Part(text=steps(view.next_steps)),
        ]
    )


def _rows(view: ClosingView) -> Iterator[Part]:
    yield Part(text="| Stack | Newest plan | How it ended |\n| --- | --- | --- |\n", frame_of="plans")
    for plan in view.plans:
        yield Part(
            text=f"| {text(plan.stack.label, limit=100)} | {code(plan.id)} of {short(plan.head_sha)} | {_ended(plan)} |\n",
            drop=Drop.ROW,
            group="plans",
        )
    yield Part(text="\n", frame_of="plans")


def _ended(plan: PlanRecord) -> str:
    match plan.status:
        case PlanStatus.APPLIED:
            return "✅ applied"
        case PlanStatus.NO_CHANGES:
            return "✅ no changes"
        case PlanStatus.APPLYING:
            return "⏳ being applied"
        case PlanStatus.FAILED:
            return "❌ its apply failed"
        case PlanStatus.PLANNED | PlanStatus.STALE | PlanStatus.CANCELED:
            return f"⚠️ not applied ({plan.status})"


def _released(locks: Sequence[Lock]) -> str:
    if not locks:
        return ""
    shown = [text(lock.stack.label, limit=100) for lock in locks[:20]]
    more = len(locks) - len(shown)
    return (
        f"Released for other pull requests: {', '.join(shown)}{f' and {more} more' if more > 0 else ''}.\n\n"
    )

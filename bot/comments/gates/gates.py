"""`/gates`: all gates of the environments that can be applied, and what opens shut ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.comments.gates.table import gate_table
from bot.comments.markdown.budget import Drop, Part, fit
from bot.comments.markdown.escape import code, text
from bot.comments.markdown.header import header
from bot.comments.markdown.words import Step, command, counted, short, step_blocks
from bot.domain.core.accounts import Account
from bot.domain.core.model import Sha, Stack
from bot.domain.gates import GateResult, shut
from bot.domain.plans.plan import PlanRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class GatesRow:
    """One stack with the gate results of its newest plan."""

    stack: Stack
    plan: PlanRecord | None
    results: Sequence[GateResult] = ()


def gates_comment(
    rows: Sequence[GatesRow], *, actor: Account, head: Sha, reference: str | None = None
) -> str:
    """Return one table per stack, with the current results of the gates for `actor`."""
    first = header("gates", env=rows[0].stack.env if len(rows) == 1 else None, head=head, ref=reference)
    return fit(
        [
            Part(text=f"{first}\n### Gates at commit {short(head)}, for {code(actor, limit=60)}\n\n"),
            *(part for row in rows for part in _row(row)),
            Part(text="", is_note=True),
            Part(text=step_blocks(_steps(rows))),
        ]
    )


def _row(row: GatesRow) -> Iterator[Part]:
    closed = shut(row.results)
    state = f"{counted(len(closed), 'gate')} shut" if closed else "every gate is open"
    if row.plan is None:
        yield Part(text=f"#### {text(row.stack.label, limit=100)}: no plan\n\n", drop=Drop.ROW)
        return
    yield Part(text=f"#### {text(row.stack.label, limit=100)}, plan {code(row.plan.id)}: {state}\n\n")
    yield Part(text=gate_table(row.results), drop=Drop.ROW)


def _steps(rows: Sequence[GatesRow]) -> Iterator[Step]:
    for row in rows:
        if row.plan is None:
            yield Step(sentence=f"To plan {row.stack.label}", command=command("plan", row.stack))
        elif not shut(row.results) and row.plan.has_changes:
            yield Step(
                sentence=f"To apply the plan of {row.stack.label}", command=command("apply", row.stack)
            )

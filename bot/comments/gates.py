"""`/gates`: every gate of every environment that could be applied, and what opens those that are shut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.comments.budget import Drop, Part, fit
from bot.comments.escape import code, text
from bot.comments.gate_table import gate_table
from bot.comments.header import header
from bot.comments.words import Step, command, counted, short, steps
from bot.domain.gates import GateResult, shut
from bot.domain.model import Login, Sha, Stack
from bot.domain.plan import PlanRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class GatesRow:
    """One stack with what its gates say of its newest plan."""

    stack: Stack
    plan: PlanRecord | None
    results: Sequence[GateResult] = ()


def gates_comment(rows: Sequence[GatesRow], *, actor: Login, head: Sha, reference: str | None = None) -> str:
    """Return one table per stack, as the gates answer to `actor` now."""
    first = header("gates", env=rows[0].stack.env if len(rows) == 1 else None, head=head, ref=reference)
    return fit(
        [
            Part(text=f"{first}\n### Gates at commit {short(head)}, for {code(actor, limit=60)}\n\n"),
            *(part for row in rows for part in _row(row)),
            Part(text="", is_note=True),
            Part(text=steps(_steps(rows))),
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

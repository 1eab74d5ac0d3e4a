"""The sentences of gates that are told in more than one place."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.model import PlanId, Run


def applied_sentence(plan: PlanId, run: Run | None, *, again: str) -> str:
    """Say when and by whom a plan was applied; `again` is the command that makes a new one."""
    by = f" by {run.actor}" if run is not None else ""
    at = (
        f" on {run.finished_at:%Y-%m-%d %H:%M} UTC" if run is not None and run.finished_at is not None else ""
    )
    return f"Plan {plan} was applied{by}{at}, and a plan is applied once; `{again}` makes a new one."


def unjudged_sentence(gates: Sequence[str]) -> str:
    """Say that nothing can open these gates in this version."""
    if len(gates) == 1:
        return f"The policy asks for the gate {gates[0]}, which this version cannot judge; it stays shut."
    names = f"{', '.join(gates[:-1])} and {gates[-1]}"
    return f"The policy asks for the gates {names}, which this version cannot judge; they stay shut."

"""The table of gates: which are shut, why, and what opens them."""

from __future__ import annotations

from collections.abc import Sequence

from bot.comments.markdown.escape import code, prose, text
from bot.comments.markdown.words import is_command
from bot.domain.gates import GateResult, Outcome

_MOST_GATES = 20
_MARKS = {Outcome.PASS: "✅", Outcome.FAIL: "❌", Outcome.INCONCLUSIVE: "❔", Outcome.ERROR: "⚠️"}


def gate_table(gates: Sequence[GateResult]) -> str:
    """Return the table, empty without gates; if it is very long, shut gates come first."""
    if not gates:
        return ""
    shown = (
        sorted(gates, key=lambda gate: gate.outcome is Outcome.PASS) if len(gates) > _MOST_GATES else gates
    )
    lines = ["| Gate | State | What it says | Opens with |\n| --- | --- | --- | --- |\n"]
    for gate in shown[:_MOST_GATES]:
        opens = _opener(gate.opens_with) if gate.outcome is not Outcome.PASS else ""
        lines.append(
            f"| {text(gate.gate, limit=40)} | {_MARKS[gate.outcome]} {gate.outcome} |"
            f" {prose(gate.sentence, limit=250)} | {opens} |\n"
        )
    more = len(gates) - _MOST_GATES
    return "".join(lines) + (f"\nAnd {more} more gates.\n" if more > 0 else "") + "\n"


def _opener(opens_with: str | None) -> str:
    if not opens_with:
        return ""
    return code(opens_with, limit=120) if is_command(opens_with) else prose(opens_with, limit=120)

"""The gates of a plan: what blocks it and what opens that, then the ones that passed, folded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.comments.markdown.escape import code, prose, text
from bot.comments.markdown.words import counted, is_command
from bot.domain.gates import GateResult, Outcome, shut
from bot.domain.gates.people import CODEOWNERS

_MOST_GATES: Final = 20
_OUTSTANDING: Final = frozenset({CODEOWNERS.name})
"""Gates that are shut because a person has not acted yet."""


def gate_table(gates: Sequence[GateResult]) -> str:
    """Return the shut gates and the folded table of the others, empty without gates."""
    return blocked(gates) + passed(gates)


def blocked(gates: Sequence[GateResult]) -> str:
    """Return the shut gates with what opens each, empty if none is shut."""
    closed = shut(gates)
    if not closed:
        return ""
    of = (
        f" of {counted(len(gates), 'gate')}" if len(gates) > len(closed) else " gate" + "s" * (len(gates) > 1)
    )
    lines = [f"- {gate_line(gate)}\n" for gate in closed[:_MOST_GATES]]
    more = len(closed) - _MOST_GATES
    return (
        f"**Blocked by {len(closed)}{of}**\n\n"
        + "".join(lines)
        + (f"- and {more} more\n" if more > 0 else "")
        + "\n"
    )


def gate_line(gate: GateResult, *, where: str = "") -> str:
    """Return a shut gate in a line; `where` names the stacks that it blocks."""
    opens = f" → {_opener(gate.opens_with)}" if gate.opens_with else ""
    return f"{_mark(gate)} **{text(gate.gate, limit=40)}**{where}: {prose(gate.sentence, limit=400)}{opens}"


def passed(gates: Sequence[GateResult]) -> str:
    """Return the folded table of the open gates, empty without one."""
    fine = [gate for gate in gates if gate.outcome is Outcome.PASS]
    if not fine:
        return ""
    rows = [
        f"| {text(gate.gate, limit=40)} | {prose(gate.sentence, limit=250)} |\n"
        for gate in fine[:_MOST_GATES]
    ]
    more = len(fine) - _MOST_GATES
    return (
        f"<details><summary>✅ {counted(len(fine), 'gate')} passed</summary>\n\n"
        "| Gate | What it says |\n| --- | --- |\n"
        + "".join(rows)
        + (f"\nAnd {more} more gates.\n" if more > 0 else "")
        + "\n</details>\n\n"
    )


def _mark(gate: GateResult) -> str:
    if gate.outcome is Outcome.INCONCLUSIVE or gate.gate in _OUTSTANDING:
        return "⏳"
    return "⚠️" if gate.outcome is Outcome.ERROR else "❌"


def _opener(opens_with: str) -> str:
    return code(opens_with, limit=120) if is_command(opens_with) else prose(opens_with, limit=120)

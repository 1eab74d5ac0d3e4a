"""The gates of a plan: the shut ones with what opens each, and the open ones folded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.comments.markdown.escape import code, prose, text
from bot.comments.markdown.words import counted, is_command
from bot.domain.core.refusals import Reason
from bot.domain.gates import GateResult, Outcome, shut

_MOST_GATES: Final = 20


def gate_table(gates: Sequence[GateResult]) -> str:
    """Return the shut gates, then the open ones folded; empty without gates."""
    return blocked(gates) + passed(gates)


def blocked(gates: Sequence[GateResult]) -> str:
    """Return the shut gates with what opens each; empty if none is shut."""
    closed = shut(gates)
    if not closed:
        return ""
    verb = "Waiting for" if all(is_outstanding(gate) for gate in closed) else "Blocked by"
    lines = [f"- {gate_line(gate)}\n" for gate in closed[:_MOST_GATES]]
    more = len(closed) - _MOST_GATES
    rest = f"- and {more} more\n" if more > 0 else ""
    return f"**{verb} {len(closed)} of {counted(len(gates), 'gate')}**\n\n{''.join(lines)}{rest}\n"


def passed(gates: Sequence[GateResult]) -> str:
    """Return the folded list of the open gates; empty without one."""
    fine = [gate for gate in gates if gate.outcome is Outcome.PASS]
    if not fine:
        return ""
    lines = [
        f"- ✅ **{text(gate.gate, limit=40)}**: {prose(gate.sentence, limit=250)}\n"
        for gate in fine[:_MOST_GATES]
    ]
    more = len(fine) - _MOST_GATES
    rest = f"- and {more} more\n" if more > 0 else ""
    title = f"{counted(len(fine), 'gate')} passed"
    return f"<details><summary>{title}</summary>\n\n{''.join(lines)}{rest}\n</details>\n\n"


def gate_line(gate: GateResult, *, where: str = "") -> str:
    """Return a shut gate in one line; `where` is Markdown that names what it blocks."""
    opens = f" → {_opener(gate.opens_with)}" if gate.opens_with else ""
    said = prose(gate.sentence, limit=300)
    return f"{gate_mark(gate)} **{text(gate.gate, limit=40)}**{where}: {said}{opens}"


def gate_mark(gate: GateResult) -> str:
    """Return the mark of a gate: passed, outstanding, not readable or wrong."""
    if gate.outcome is Outcome.PASS:
        return "✅"
    if is_outstanding(gate):
        return "⏳"
    return "⚠️" if gate.outcome is Outcome.ERROR else "❌"


def is_outstanding(gate: GateResult) -> bool:
    """Whether a shut gate only needs time or an approval."""
    # A missing approval is a FAIL, because no later look at the same facts would open it.
    asks_owners = gate.outcome is Outcome.FAIL and gate.reason is Reason.CODEOWNERS
    return gate.outcome is Outcome.INCONCLUSIVE or asks_owners


def _opener(opens_with: str) -> str:
    return code(opens_with, limit=120) if is_command(opens_with) else prose(opens_with, limit=200)

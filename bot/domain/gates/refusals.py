"""Shut gates as refusals of a command."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.core.refusals import Reason, Refusal
from bot.domain.gates.gate import GateResult
from bot.domain.gates.judging import unjudged_sentence
from bot.domain.gates.table import names


def refusals(gates: Sequence[GateResult]) -> tuple[Refusal, ...]:
    """Return one refusal per shut gate, and one for all that this version cannot judge."""
    known = names()
    unjudged = [gate for gate in gates if gate.gate not in known]
    found = [_refusal(gate, gate.sentence) for gate in gates if gate.gate in known]
    if unjudged:
        found.append(_refusal(unjudged[0], unjudged_sentence([gate.gate for gate in unjudged])))
    return tuple(found)


def _refusal(gate: GateResult, sentence: str) -> Refusal:
    return Refusal(
        reason=gate.reason or Reason.GATE, sentence=sentence, next_command=gate.opens_with, gate=gate.gate
    )

"""Shut gates as refusals of a command."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.gate_words import unjudged_sentence
from bot.domain.gates import JUDGED, GateResult
from bot.domain.refusals import Reason, Refusal


def refusals(gates: Sequence[GateResult]) -> tuple[Refusal, ...]:
    """Return one refusal per gate, in order; those that this version cannot judge are told in one at the end."""
    unjudged = [gate for gate in gates if gate.gate not in JUDGED]
    told = [_refusal(gate, gate.sentence) for gate in gates if gate.gate in JUDGED]
    if unjudged:
        told.append(_refusal(unjudged[0], unjudged_sentence([gate.gate for gate in unjudged])))
    return tuple(told)


def _refusal(gate: GateResult, sentence: str) -> Refusal:
    return Refusal(
        reason=gate.reason or Reason.GATE, sentence=sentence, next_command=gate.opens_with, gate=gate.gate
    )

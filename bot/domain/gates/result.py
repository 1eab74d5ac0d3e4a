"""What a gate answers."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.outcome import Outcome
from bot.domain.refusals import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """One row of the gate table."""

    gate: str
    outcome: Outcome
    sentence: str
    reason: Reason | None = None
    """Set when the gate is shut."""
    opens_with: str | None = None
    """The command or the person that would open it."""


def passed(gate: str, sentence: str) -> GateResult:
    """Return an open gate."""
    return GateResult(gate=gate, outcome=Outcome.PASS, sentence=sentence)


def failed(gate: str, reason: Reason, sentence: str, opens_with: str | None) -> GateResult:
    """Return a gate that is shut for a reason that is known."""
    return GateResult(
        gate=gate, outcome=Outcome.FAIL, sentence=sentence, reason=reason, opens_with=opens_with
    )


def waiting(gate: str, reason: Reason, sentence: str, opens_with: str | None) -> GateResult:
    """Return a gate that is shut because the answer is not there yet."""
    return GateResult(
        gate=gate, outcome=Outcome.INCONCLUSIVE, sentence=sentence, reason=reason, opens_with=opens_with
    )


def unread(gate: str, reason: Reason, what: str, why: str | None) -> GateResult:
    """Return a gate that is shut because nobody knows; `what` begins the sentence."""
    return GateResult(
        gate=gate,
        outcome=Outcome.ERROR,
        reason=reason,
        sentence=f"{what} could not be read: {why or 'nobody has asked for it'}.",
        opens_with="the same command again, once this can be read",
    )

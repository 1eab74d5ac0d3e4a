"""The record of a gate: the source of its policy name, its commands and its documentation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.core.outcome import Outcome
from bot.domain.core.refusals import Reason
from bot.domain.gates.facts import Facts


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


Judge = Callable[[Facts], GateResult]


class When(StrEnum):
    """When a gate is judged; the value is what the documentation says."""

    ALWAYS = "always"
    NAMED = "where named"
    """Only where `apply.gates` of the environment names it."""
    PROMOTING = "with `apply.from`"
    """Where the environment has `apply.from`; naming it without that is an error of the policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A question asked before an apply."""

    name: str
    """Stable: policies, overrides and comment headers contain it."""
    judge: Judge
    """Pure; it answers by `passed`, `failed`, `waiting` or `unreadable` of this record."""
    when: When
    revert: Judge | None = None
    """How a revert is judged; None where a revert need not wait for it."""
    can_be_overridden: bool
    """False if the gate guarantees that only the reviewed plan is applied."""
    reasons: tuple[Reason, ...]
    """Every code under which it refuses; the first one where its answer names none."""
    open_when: str
    """For the documentation: when it is open."""
    opened_by: str
    """For the documentation: the command, change or person that opens it."""

    def passed(self, sentence: str) -> GateResult:
        """Return it as open."""
        return GateResult(gate=self.name, outcome=Outcome.PASS, sentence=sentence)

    def failed(self, sentence: str, opens_with: str | None, *, reason: Reason | None = None) -> GateResult:
        """Return it as shut for a reason that is known."""
        return self._shut(Outcome.FAIL, sentence, opens_with, reason)

    def waiting(self, sentence: str, opens_with: str | None) -> GateResult:
        """Return it as shut because the answer is not available yet."""
        return self._shut(Outcome.INCONCLUSIVE, sentence, opens_with)

    def unreadable(self, what: str, facts: Facts, *, override: str = "") -> GateResult:
        """Return it as shut because its facts could not be read; `what` begins the sentence.

        `override` is the command that opens it where they can never be read.
        """
        why = facts.unreadable.get(self.name) or "nobody has asked for it"
        again = "the same command again, once this can be read"
        opens_with = f"{again}, or `{override}`" if override else again
        return self._shut(Outcome.ERROR, f"{what} could not be read: {why}.", opens_with)

    def _shut(
        self, outcome: Outcome, sentence: str, opens_with: str | None, reason: Reason | None = None
    ) -> GateResult:
        return GateResult(
            gate=self.name,
            outcome=outcome,
            sentence=sentence,
            reason=reason or self.reasons[0],
            opens_with=opens_with,
        )

"""A gate that two owners have opened."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.gates import GateResult, Outcome
from bot.domain.gates.result import passed
from bot.domain.holds import Hold, HoldCause
from bot.domain.overrides import NEVER, Override


def overridden(result: GateResult, valid: Sequence[Override], *, holds: Sequence[Hold] = ()) -> GateResult:
    """Return the result as an override of `valid` leaves it; some gates are never opened.

    `holds` are those that keep the plan back.
    """
    if result.outcome is Outcome.PASS or result.gate in NEVER:
        return result
    found = next((one for one in valid if one.gate == result.gate and _reaches(one, holds)), None)
    if found is None:
        return result
    return passed(
        result.gate, f"Opened once by {found.asked_by} and {found.confirmed_by}: {found.reason.rstrip('. ')}."
    )


def _reaches(override: Override, holds: Sequence[Hold]) -> bool:
    """Whether two owners had before them all that their word would open; the operator's stop is not theirs to open."""
    if override.gate != "hold":
        return True
    at = override.confirmed_at
    return at is not None and all(hold.cause is not HoldCause.STOP and hold.since <= at for hold in holds)

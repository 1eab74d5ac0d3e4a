"""The answer of a gate or a check."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Outcome(StrEnum):
    """How a gate or a check answers; only PASS opens."""

    PASS = "PASS"  # noqa: S105 - not a password
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    ERROR = "ERROR"


_WORST_FIRST = (Outcome.FAIL, Outcome.ERROR, Outcome.INCONCLUSIVE)


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the worst of several outcomes; PASS where there is none."""
    found = frozenset(outcomes)
    return next((outcome for outcome in _WORST_FIRST if outcome in found), Outcome.PASS)

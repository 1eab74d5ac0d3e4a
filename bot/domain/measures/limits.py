"""The one rule by which a measured value is judged against a limit or a reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from bot.domain.core.outcome import Outcome
from bot.domain.measures.bounds import Measured

Direction = Literal["at_least", "at_most"]
"""Which side of the limit is good."""
MIN_SAMPLES: Final = 20
MIN_BAD: Final = 3
"""A rate fails only with this many bad runs, so that one failure of a few runs shuts nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The limit of one metric."""

    direction: Direction
    value: float
    min_samples: int = MIN_SAMPLES
    min_bad: int = MIN_BAD
    """Of rates only."""


def judge(measured: Measured, limit: Limit, *, bad: int | None = None) -> Outcome:
    """Judge a value against a limit.

    FAIL even by its bound in our favour, PASS by the value itself, else INCONCLUSIVE.
    `bad` is the number of bad runs behind a rate, None for other metrics.
    """
    if measured.value is None or measured.samples == 0:
        return Outcome.INCONCLUSIVE
    favourable = measured.low if limit.direction == "at_most" else measured.high
    enough_bad = bad is None or bad >= limit.min_bad
    if enough_bad and favourable is not None and not _keeps(favourable, limit):
        return Outcome.FAIL
    if measured.samples >= limit.min_samples and _keeps(measured.value, limit):
        return Outcome.PASS
    return Outcome.INCONCLUSIVE


def against(
    reference: Measured, direction: Direction, *, change: float | None, delta: float | None
) -> tuple[float, float] | None:
    """Return the limits that follow from a reference: for passing, and the wider for failing.

    `change` is a fraction of the reference, `delta` an absolute distance; the wider of both counts. None
    where the reference has no value.
    """
    if reference.value is None or reference.samples == 0:
        return None
    lenient = reference.high if direction == "at_most" else reference.low
    passing = _moved(reference.value, direction, change, delta)
    # Without a bound in its favour a reference cannot show that anything is worse.
    failing = float("inf") if direction == "at_most" else float("-inf")
    if lenient is not None:
        failing = _moved(lenient, direction, change, delta)
    return passing, failing


def judge_trend(
    measured: Measured,
    reference: Measured,
    limit: Limit,
    *,
    change: float | None = None,
    delta: float | None = None,
    bad: int | None = None,
) -> Outcome:
    """Judge a value against a reference.

    `limit` gives the direction and the minimum numbers; its value is not used.
    """
    limits = against(reference, limit.direction, change=change, delta=delta)
    if limits is None:
        return Outcome.INCONCLUSIVE
    passing, failing = limits
    if judge(measured, _with(limit, failing), bad=bad) is Outcome.FAIL:
        return Outcome.FAIL
    found = judge(measured, _with(limit, passing), bad=bad)
    return Outcome.INCONCLUSIVE if found is Outcome.FAIL else found


def _with(limit: Limit, value: float) -> Limit:
    return Limit(direction=limit.direction, value=value, min_samples=limit.min_samples, min_bad=limit.min_bad)


def _moved(value: float, direction: Direction, change: float | None, delta: float | None) -> float:
    """Return a value moved to the lenient side."""
    room = max(abs(value) * (change or 0.0), delta or 0.0)
    return value + room if direction == "at_most" else value - room


def _keeps(value: float, limit: Limit) -> bool:
    # 2 of 20 keeps a limit of 0.1, although 0.3 - 0.2 would not in binary fractions.
    tolerance = 1e-12 * max(1.0, abs(limit.value))
    if limit.direction == "at_most":
        return value <= limit.value + tolerance
    return value >= limit.value - tolerance

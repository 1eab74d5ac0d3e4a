"""Bounds of rates and percentiles: one-sided, at 95 % confidence."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

CONFIDENCE: Final = 0.95
_Z: Final = NormalDist().inv_cdf(CONFIDENCE)
_NEGLIGIBLE: Final = 1e-18
"""Terms of a binomial sum below this change no bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A measured value with its bounds."""

    value: float | None
    """None without samples."""
    low: float | None
    """Lower bound; None where the samples give none."""
    high: float | None
    """Upper bound; None where the samples give none."""
    samples: int


def rate(hits: int, samples: int) -> Measured:
    """Return the share of hits with its bounds, 0 without samples.

    Raises ValueError unless `0 <= hits <= samples`.
    """
    if not 0 <= hits <= samples:
        raise ValueError(f"{hits} of {samples} is not a share")
    if samples == 0:
        return Measured(value=0.0, low=0.0, high=1.0, samples=0)
    low, high = wilson(hits, samples, _Z)
    return Measured(value=hits / samples, low=low, high=high, samples=samples)


def wilson(hits: int, samples: int, z: float) -> tuple[float, float]:
    """Return the score bounds of a share; `z` is the quantile of the normal distribution.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, 1927.
    """
    share, square = hits / samples, z * z
    centre = share + square / (2 * samples)
    spread = z * math.sqrt(share * (1 - share) / samples + square / (4 * samples * samples))
    scale = 1 + square / samples
    # At the ends the bound is the end itself; rounding would leave a rest of 1e-17.
    low = 0.0 if hits == 0 else max(0.0, (centre - spread) / scale)
    high = 1.0 if hits == samples else min(1.0, (centre + spread) / scale)
    return low, high


def percentile(samples: int, percent: int, value_at: Callable[[int], float]) -> Measured:
    """Return the nearest-rank percentile with its order-statistic bounds.

    `value_at` returns the value of a rank, from 1 for the smallest; `ranks_of` lists the ranks it is asked
    for. Source of the bounds: H. A. David and H. N. Nagaraja, Order Statistics, 3rd edition, section 7.1.
    """
    if samples == 0:
        return Measured(value=None, low=None, high=None, samples=0)
    lowest, highest = bound_ranks(samples, percent)
    return Measured(
        value=value_at(nearest_rank(samples, percent)),
        low=None if lowest is None else value_at(lowest),
        high=None if highest is None else value_at(highest),
        samples=samples,
    )


def ranks_of(samples: int, percent: int) -> frozenset[int]:
    """Return the ranks whose values `percentile` needs; empty without samples."""
    if samples == 0:
        return frozenset()
    ranks = (nearest_rank(samples, percent), *bound_ranks(samples, percent))
    return frozenset(rank for rank in ranks if rank is not None)


def nearest_rank(samples: int, percent: int) -> int:
    """Return the rank of a percentile, from 1; ValueError for a percentile outside of 1 to 99."""
    if not 0 < percent < 100:  # noqa: PLR2004 -- percent
        raise ValueError(f"{percent} is not a percentile between 1 and 99")
    return max(1, -(-samples * percent // 100))


def bound_ranks(samples: int, percent: int) -> tuple[int | None, int | None]:
    """Return the ranks, from 1, whose values bound a percentile; None without enough values."""
    # How many of the values lie below the percentile is binomial, X. The value of rank r is a lower bound if
    # P(X < r) is at most 5 %, and an upper bound if it is at least 95 %.
    lowest, highest = _ranks(samples, percent / 100)
    return (lowest if lowest >= 1 else None), (highest if highest <= samples else None)


def _ranks(samples: int, share: float) -> tuple[int, int]:
    """Return the largest rank for the lower bound, and the smallest for the upper one."""
    below, lowest = 0.0, samples
    for count in range(_first_term(samples, share), samples + 1):
        below += _binomial(samples, share, count)
        if below > 1 - CONFIDENCE:
            lowest = min(lowest, count)
        if below >= CONFIDENCE:
            return lowest, count + 1
    return lowest, samples + 1


def _first_term(samples: int, share: float) -> int:
    """Return the count below which a binomial distribution has practically nothing."""
    spread = math.sqrt(samples * share * (1 - share))
    return max(0, math.floor(samples * share - 10 * spread - 10))


def _binomial(samples: int, share: float, count: int) -> float:
    """Return the probability of `count` successes; by logarithms, since factorials overflow."""
    log = (
        math.lgamma(samples + 1)
        - math.lgamma(count + 1)
        - math.lgamma(samples - count + 1)
        + count * math.log(share)
        + (samples - count) * math.log1p(-share)
    )
    found = math.exp(log)
    return found if found > _NEGLIGIBLE else 0.0

"""The thresholds of a report, from flags, a file, the policy and the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from bot.domain.measures.limits import MIN_BAD, MIN_SAMPLES, Direction
from bot.reports.envelope import Mode

Source = Literal["flag", "file", "policy", "default"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """The threshold of one metric, and where it comes from."""

    metric: str
    direction: Direction
    limit: float | None = None
    change: float | None = None
    """Worsening against the reference, as a fraction."""
    delta: float | None = None
    """Worsening against the reference, absolute."""
    min_samples: int = MIN_SAMPLES
    min_bad: int = MIN_BAD
    critical: bool = True
    mode: Mode = "enforce"
    source: Source


def _default(
    metric: str, direction: Direction, limit: float, *, critical: bool = True
) -> tuple[str, Threshold]:
    found = Threshold(metric=metric, direction=direction, limit=limit, critical=critical, source="default")
    return metric, found


DEFAULTS: Final[Mapping[str, Threshold]] = dict(
    (
        _default("successRate", "at_least", 0.90),
        _default("failedRate", "at_most", 0.10),
        _default("timeoutRate", "at_most", 0.05),
        _default("canceledRate", "at_most", 0.25, critical=False),
        _default("latencyMs.p95", "at_most", 900_000, critical=False),
    )
)
"""What `--use-default-gate-thresholds` fills in."""
METRICS: Final = (
    "successRate",
    "failedRate",
    "canceledRate",
    "timeoutRate",
    "degradedRate",
    *(f"latencyMs.p{percent}" for percent in (50, 95, 99)),
    *(f"queueMs.p{percent}" for percent in (50, 95, 99)),
)
HIGHER_IS_BETTER: Final = frozenset({"successRate"})


def direction_of(metric: str) -> Direction:
    """Return which side of a limit is good for a metric."""
    return "at_least" if metric in HIGHER_IS_BETTER else "at_most"


def is_rate(metric: str) -> bool:
    """Whether a metric is a share of runs rather than a time."""
    return metric.endswith("Rate")


def merged(*sources: Mapping[str, Threshold]) -> tuple[Threshold, ...]:
    """Return one threshold per metric, from the first source that names it, as `METRICS` lists."""
    found: dict[str, Threshold] = {}
    for source in reversed(sources):
        found |= source
    known = [metric for metric in METRICS if metric in found]
    return tuple(found[metric] for metric in (*known, *sorted(set(found) - set(METRICS))))

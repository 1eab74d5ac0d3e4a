"""Rates and latencies of the measured runs of an environment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot.domain.core.model import FailureClass, RunKind
from bot.domain.measures.bounds import Measured, percentile, ranks_of, rate
from bot.domain.measures.counting import LeftOut, Result, RunFact

RATES: Final[Mapping[str, Result]] = {
    "successRate": Result.SUCCESS,
    "failedRate": Result.FAILED,
    "canceledRate": Result.CANCELED,
    "timeoutRate": Result.TIMEOUT,
}
"""They sum to 1, or are all 0 without samples."""
DEGRADED: Final = "degradedRate"
PERCENTILES: Final = (50, 95, 99)
HIGHER_IS_BETTER: Final = frozenset({"successRate"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What the runs of one environment and window say."""

    samples: int
    left_out: Mapping[LeftOut, int]
    by_failure_class: Mapping[FailureClass, int]
    rates: Mapping[str, Measured]
    latency_ms: Mapping[int, Measured]
    """Percentile -> time from start to end."""
    queue_ms: Mapping[int, Measured]
    """Percentile -> time from request to start."""
    bad: Mapping[str, int]
    """Rate -> number of runs that make it worse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactCount:
    """How many ended runs have the same facts, apart from their times."""

    is_verification: bool
    result: Result
    failure_class: FailureClass | None
    left_out: LeftOut | None
    was_retried: bool
    count: int


ValueAt = Callable[[int], float]
"""Returns the time of a rank among the measured runs, from 1 for the shortest."""


def ranks(samples: int) -> frozenset[int]:
    """Return the ranks of the times that `baseline_of` needs."""
    return frozenset().union(*(ranks_of(samples, percent) for percent in PERCENTILES))


def measured_runs(counts: Iterable[FactCount]) -> int:
    """Return how many of the runs are measured."""
    return sum(each.count for each in counts if each.left_out is None)


def baseline_of(counts: Sequence[FactCount], *, run_ms: ValueAt, queue_ms: ValueAt) -> Baseline:
    """Return rates and times of counted runs."""
    measured = [each for each in counts if each.left_out is None]
    results, classes, omitted = Counter[Result](), Counter[FailureClass](), Counter[LeftOut]()
    for each in measured:
        results[each.result] += each.count
        if each.failure_class is not None and each.result is not Result.SUCCESS:
            classes[each.failure_class] += each.count
    for each in counts:
        if each.left_out is not None:
            omitted[each.left_out] += each.count
    verified = [each for each in measured if each.is_verification]
    retried = sum(each.count for each in verified if each.was_retried)
    samples = results.total()
    rates = {name: rate(results[result], samples) for name, result in RATES.items()}
    bad = {name: _bad(name, results) for name in RATES}
    return Baseline(
        samples=samples,
        left_out=dict(omitted),
        by_failure_class=dict(classes),
        rates=rates | {DEGRADED: rate(retried, sum(each.count for each in verified))},
        latency_ms={percent: percentile(samples, percent, run_ms) for percent in PERCENTILES},
        queue_ms={percent: percentile(samples, percent, queue_ms) for percent in PERCENTILES},
        bad=bad | {DEGRADED: retried},
    )


def _bad(name: str, results: Counter[Result]) -> int:
    hits = results[RATES[name]]
    return results.total() - hits if name in HIGHER_IS_BETTER else hits


def measure(facts: Iterable[RunFact]) -> Baseline:
    """Return rates and times of a few ended runs; the database counts many."""
    found = list(facts)
    kept = [fact for fact in found if fact.left_out is None]
    run_ms, queue_ms = sorted(fact.run_ms for fact in kept), sorted(fact.queue_ms for fact in kept)
    return baseline_of(
        [_count(fact) for fact in found],
        run_ms=lambda rank: run_ms[rank - 1],
        queue_ms=lambda rank: queue_ms[rank - 1],
    )


def _count(fact: RunFact) -> FactCount:
    return FactCount(
        is_verification=fact.kind is RunKind.VERIFY,
        result=fact.result,
        failure_class=fact.failure_class,
        left_out=fact.left_out,
        was_retried=fact.was_retried,
        count=1,
    )

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.core.outcome import Outcome
from bot.domain.measures.bounds import Measured, percentile, rate
from bot.domain.measures.limits import Limit, against, judge, judge_trend

FAILED_RATE = Limit(direction="at_most", value=0.10)
COUNTS = st.integers(0, 200).flatmap(lambda samples: st.tuples(st.integers(0, samples), st.just(samples)))


def _percentile(values: Sequence[float], percent: int) -> Measured:
    ordered = sorted(values)
    return percentile(len(ordered), percent, lambda rank: ordered[rank - 1])


@pytest.mark.parametrize(
    ("bad", "samples", "outcome"),
    [
        (0, 0, Outcome.INCONCLUSIVE),
        (0, 5, Outcome.INCONCLUSIVE),
        (5, 5, Outcome.FAIL),
        (0, 20, Outcome.PASS),
        (2, 20, Outcome.PASS),
        (4, 20, Outcome.INCONCLUSIVE),
        (5, 20, Outcome.FAIL),
        (20, 20, Outcome.FAIL),
    ],
)
def test_failed_rate_of_at_most_a_tenth(bad: int, samples: int, outcome: Outcome) -> None:
    assert judge(rate(bad, samples), FAILED_RATE, bad=bad) is outcome


@pytest.mark.parametrize(
    ("good", "samples", "outcome"),
    [
        (18, 20, Outcome.PASS),
        (16, 20, Outcome.INCONCLUSIVE),
        (15, 20, Outcome.FAIL),
        (1, 2, Outcome.INCONCLUSIVE),
        (0, 2, Outcome.INCONCLUSIVE),
        (0, 3, Outcome.FAIL),
    ],
)
def test_success_rate_of_at_least_nine_tenths(good: int, samples: int, outcome: Outcome) -> None:
    limit = Limit(direction="at_least", value=0.90)

    assert judge(rate(good, samples), limit, bad=samples - good) is outcome


def test_two_failures_of_a_small_team_never_fail() -> None:
    assert {judge(rate(2, samples), FAILED_RATE, bad=2) for samples in range(2, 20)} == {Outcome.INCONCLUSIVE}


@pytest.mark.parametrize(
    ("times", "outcome"),
    [
        pytest.param([899.0] * 19 + [9e9], Outcome.PASS, id="value at most the limit"),
        pytest.param([900.0] * 20, Outcome.PASS, id="equal to the limit"),
        pytest.param([900.0] * 18 + [901.0] * 2, Outcome.INCONCLUSIVE, id="over it by chance"),
        pytest.param([900.0] * 10 + [901.0] * 10, Outcome.FAIL, id="surely over it"),
        pytest.param([1.0] * 19, Outcome.INCONCLUSIVE, id="too few"),
    ],
)
def test_latency_against_a_limit(times: list[float], outcome: Outcome) -> None:
    limit = Limit(direction="at_most", value=900.0)

    assert judge(_percentile(times, 95), limit) is outcome


@given(samples=st.integers(0, 200))
def test_more_bad_runs_never_help(samples: int) -> None:
    order = [Outcome.PASS, Outcome.INCONCLUSIVE, Outcome.FAIL]
    found = [order.index(judge(rate(bad, samples), FAILED_RATE, bad=bad)) for bad in range(samples + 1)]

    assert all(less <= more for less, more in pairwise(found))


@given(counts=COUNTS, delta=st.sampled_from([0.0, 0.05, 0.5]))
def test_rate_against_itself_never_fails(counts: tuple[int, int], delta: float) -> None:
    bad, samples = counts
    found = rate(bad, samples)

    outcome = judge_trend(found, found, FAILED_RATE, delta=delta, bad=bad)

    assert outcome is (Outcome.PASS if samples >= FAILED_RATE.min_samples else Outcome.INCONCLUSIVE)


@given(times=st.lists(st.integers(0, 10**6), max_size=120))
def test_latency_against_itself_never_fails(times: list[int]) -> None:
    found = _percentile(times, 95)
    limit = Limit(direction="at_most", value=0)

    outcome = judge_trend(found, found, limit, change=0.0)

    assert outcome is (Outcome.PASS if len(times) >= limit.min_samples else Outcome.INCONCLUSIVE)


def test_trend_fails_only_beyond_the_bound_of_its_reference() -> None:
    reference = rate(10, 100)

    # The reference may be 0.16 by its own bound; 0.05 more is allowed.
    assert judge_trend(rate(15, 100), reference, FAILED_RATE, delta=0.05, bad=15) is Outcome.PASS
    assert judge_trend(rate(25, 100), reference, FAILED_RATE, delta=0.05, bad=25) is Outcome.INCONCLUSIVE
    assert judge_trend(rate(35, 100), reference, FAILED_RATE, delta=0.05, bad=35) is Outcome.FAIL


def test_reference_without_a_value_proves_nothing() -> None:
    assert against(_percentile([], 95), "at_most", change=0.5, delta=None) is None
    assert judge_trend(rate(20, 20), rate(0, 0), FAILED_RATE, delta=0.05, bad=20) is Outcome.INCONCLUSIVE

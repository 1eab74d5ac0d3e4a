from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.measures.bounds import Measured, bound_ranks, nearest_rank, percentile, rate, wilson

VALUES = json.loads((Path(__file__).parents[3] / "data/statistics/bounds.json").read_text())


def _percentile(values: Sequence[float], percent: int) -> Measured:
    ordered = sorted(values)
    return percentile(len(ordered), percent, lambda rank: ordered[rank - 1])


@pytest.mark.parametrize("row", VALUES["newcombe"], ids=lambda row: f"{row['hits']} of {row['samples']}")
def test_bounds_are_the_published_ones(row: dict[str, float]) -> None:
    two_sided = NormalDist().inv_cdf(0.975)

    low, high = wilson(int(row["hits"]), int(row["samples"]), two_sided)

    assert (round(low, 4), round(high, 4)) == (row["low"], row["high"])


@pytest.mark.parametrize("row", VALUES["wilson"], ids=lambda row: f"{row['hits']} of {row['samples']}")
def test_bounds_solve_the_score_equation(row: dict[str, float]) -> None:
    found = rate(int(row["hits"]), int(row["samples"]))

    assert found.low == pytest.approx(row["low"], abs=5e-5)
    assert found.high == pytest.approx(row["high"], abs=5e-5)


@pytest.mark.parametrize("row", VALUES["ranks"], ids=lambda row: f"p{row['percent']} of {row['samples']}")
def test_ranks_of_bounds_are_exact(row: dict[str, int | None]) -> None:
    assert bound_ranks(row["samples"] or 0, row["percent"] or 0) == (row["low"], row["high"])


@given(samples=st.integers(0, 10_000), data=st.data())
def test_rate_lies_between_its_bounds(samples: int, data: st.DataObject) -> None:
    found = rate(data.draw(st.integers(0, samples)), samples)

    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.value <= found.high <= 1


@given(samples=st.integers(1, 500))
def test_more_hits_never_lower_a_bound(samples: int) -> None:
    found = [rate(hits, samples) for hits in range(samples + 1)]

    for less, more in pairwise(found):
        assert (less.low or 0) <= (more.low or 0)
        assert (less.high or 0) <= (more.high or 0)


@given(
    values=st.lists(st.integers(0, 10_000), min_size=1, max_size=300), percent=st.sampled_from([50, 95, 99])
)
def test_percentile_lies_between_its_bounds(values: list[int], percent: int) -> None:
    found = _percentile(values, percent)

    assert found.value in values
    assert found.low is None or found.low <= (found.value or 0)
    assert found.high is None or found.high >= (found.value or 0)


def test_nothing_measured_has_no_percentile() -> None:
    assert _percentile([], 95) == Measured(value=None, low=None, high=None, samples=0)


@pytest.mark.parametrize(
    ("samples", "percent", "rank"), [(1, 50, 1), (4, 50, 2), (5, 50, 3), (20, 95, 19), (100, 99, 99)]
)
def test_percentile_is_the_nearest_rank(samples: int, percent: int, rank: int) -> None:
    assert nearest_rank(samples, percent) == rank


@pytest.mark.parametrize("hits", [-1, 4])
def test_impossible_share_is_an_error(hits: int) -> None:
    with pytest.raises(ValueError, match=f"{hits} of 3 is not a share"):
        rate(hits, 3)

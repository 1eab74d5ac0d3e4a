from __future__ import annotations

import asyncio

import pytest

from bot.adapters.github.pacing import Pacer
from bot.domain.errors import GitHubUnavailableError
from tests.unit.adapters.github.passing_time import PassingTime


def pacer(
    time: PassingTime,
    *,
    spacing: float = 0.0,
    limits: tuple[tuple[float, int], ...] = (),
    patience: float = 1e9,
) -> Pacer:
    return Pacer(time.waits(), spacing=spacing, limits=limits, patience=patience)


async def test_turns_are_spaced_and_given_in_the_order_of_asking() -> None:
    time = PassingTime()
    paced = pacer(time, spacing=1.0)
    served: list[tuple[int, float]] = []

    async def write(number: int) -> None:
        await paced.turn("writing")
        served.append((number, time.passed))

    await asyncio.gather(*(write(number) for number in range(5)))

    assert served == [(0, 0.0), (1, 1.0), (2, 2.0), (3, 3.0), (4, 4.0)]


async def test_time_that_passed_anyway_is_not_waited_again() -> None:
    time = PassingTime()
    paced = pacer(time, spacing=1.0)
    await paced.turn("writing")
    time.passed += 0.75

    await paced.turn("writing")
    time.passed += 5
    await paced.turn("writing")

    assert time.slept == [0.25]


async def test_no_window_of_any_start_holds_more_than_its_limit() -> None:
    time = PassingTime()
    paced = pacer(time, spacing=0.5, limits=((60.0, 80), (3600.0, 500)))
    turns = []

    for _ in range(1200):
        await paced.turn("writing")
        turns.append(time.passed)

    assert all(later - first >= 60.0 for first, later in zip(turns, turns[80:], strict=False))
    assert all(later - first >= 3600.0 for first, later in zip(turns, turns[500:], strict=False))
    assert turns[-1] < 3 * 3600


async def test_a_turn_that_is_too_far_away_is_refused_with_its_time_and_takes_none() -> None:
    time = PassingTime()
    paced = pacer(time, limits=((3600.0, 2),), patience=120.0)
    await paced.turn("commenting")
    await paced.turn("commenting")

    with pytest.raises(GitHubUnavailableError, match="commenting: GitHub's limit") as caught:
        await paced.turn("commenting")
    time.passed += 3600
    await paced.turn("commenting")

    assert caught.value.retry_after == 3600.0
    assert time.slept == []


async def test_a_cancelled_waiter_does_not_use_up_a_turn() -> None:
    time = PassingTime()
    paced = pacer(time, spacing=10.0)
    await paced.turn("writing")
    waiting = asyncio.create_task(paced.turn("writing"))
    await asyncio.sleep(0)

    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await paced.turn("writing")

    assert waiting.cancelled()
    assert time.slept == [10.0]

from __future__ import annotations

import asyncio

import pytest

from bot.services.runs.stopwatch import Stopwatch, together


async def test_parts_of_stretch_are_distinguished_from_what_is_around_them() -> None:
    watch = Stopwatch()

    watch.lap("merge")
    watch.inside({"init": 0.0, "plan": 2.0})

    assert list(watch.seconds) == ["merge", "around", "init", "plan"]
    assert watch.seconds["plan"] == 2.0
    assert watch.seconds["around"] == 0.0


async def test_both_results_come_in_their_order() -> None:
    async def say(word: str) -> str:
        return word

    assert await together(say("one"), say("two")) == ("one", "two")


@pytest.mark.parametrize("failing_first", [True, False])
async def test_a_failure_waits_for_the_other_to_end(*, failing_first: bool) -> None:
    ended = asyncio.Event()

    async def fail() -> None:
        raise ValueError("broken")

    async def work() -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        ended.set()

    both = (fail(), work()) if failing_first else (work(), fail())

    with pytest.raises(ValueError, match="broken"):
        await together(*both)

    assert ended.is_set()


async def test_of_two_failures_the_first_is_told() -> None:
    async def fail(word: str) -> None:
        raise ValueError(word)

    with pytest.raises(ValueError, match="one"):
        await together(fail("one"), fail("two"))

from __future__ import annotations

import asyncio

import pytest

from bot.domain.core.errors import GatewrightError, GitHubUnavailableError, IntegrityError, StoreError
from bot.domain.core.retries import Retries
from bot.services.runs.retrying import persist

_THREE = Retries(attempts=3, first_wait=1.0, factor=2.5)


class Store:
    """Fails as often as it is told to."""

    def __init__(self, *failures: GatewrightError) -> None:
        self.failures = list(failures)
        self.calls = 0

    async def write(self) -> str:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return "written"


class Waits:
    """Notes the waits instead of waiting."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


async def test_write_refused_for_a_while_is_stored_once() -> None:
    store, waits = Store(StoreError("away"), StoreError("still away")), Waits()

    assert await persist(_THREE, "the test", store.write, sleep=waits) == "written"
    assert store.calls == 3
    assert waits.seconds == [1.0, 2.5]


async def test_github_is_not_asked_before_the_moment_it_names() -> None:
    store, waits = Store(GitHubUnavailableError("slow down", retry_after=60.0)), Waits()

    assert await persist(_THREE, "the test", store.write, sleep=waits) == "written"
    assert waits.seconds == [60.0]


async def test_a_canceled_call_is_not_repeated() -> None:
    calls = []

    async def canceled() -> None:
        calls.append("called")
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await persist(_THREE, "the test", canceled, worth=lambda _: True, sleep=Waits())
    assert calls == ["called"]


async def test_a_call_may_be_any_function_that_returns_an_awaitable() -> None:
    store = Store(StoreError("away"))

    assert await persist(_THREE, "the test", lambda: store.write(), sleep=Waits()) == "written"  # noqa: PLW0108


async def test_it_is_not_tried_for_ever() -> None:
    store = Store(*(StoreError("away") for _ in range(4)))

    with pytest.raises(StoreError):
        await persist(_THREE, "the test", store.write, sleep=Waits())
    assert store.calls == 3


async def test_what_no_attempt_can_cure_is_tried_once() -> None:
    store = Store(IntegrityError("other bytes"))

    with pytest.raises(IntegrityError):
        await persist(_THREE, "the test", store.write)
    assert store.calls == 1

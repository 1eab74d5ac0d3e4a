from __future__ import annotations

import pytest

from bot.domain.errors import GatewrightError, IntegrityError, StoreError
from bot.domain.retries import Retries
from bot.services.persistence import persist

_THREE = Retries(attempts=3, first_wait=0.0)


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


async def test_what_a_store_refused_for_a_while_is_written_once_it_takes_it() -> None:
    store = Store(StoreError("away"), StoreError("still away"))

    assert await persist(_THREE, "the test", store.write) == "written"
    assert store.calls == 3


async def test_it_is_not_tried_for_ever() -> None:
    store = Store(*(StoreError("away") for _ in range(4)))

    with pytest.raises(StoreError):
        await persist(_THREE, "the test", store.write)
    assert store.calls == 3


async def test_what_no_attempt_can_cure_is_tried_once() -> None:
    store = Store(IntegrityError("other bytes"))

    with pytest.raises(IntegrityError):
        await persist(_THREE, "the test", store.write)
    assert store.calls == 1

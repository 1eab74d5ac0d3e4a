"""How long a poller sleeps between two looks at its queue."""

from __future__ import annotations

import threading

from bot.engine.wakeups import WakeupOrStop


class _Event(threading.Event):
    """Rings at some of the waits, without any waiting."""

    def __init__(self, *rings: int) -> None:
        """`rings` are the waits in which it rings, counted from 1."""
        super().__init__()
        self._rings = rings
        self.waited: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout)
        return len(self.waited) in self._rings


def _poller(event: _Event, *, longest: float) -> WakeupOrStop:
    return WakeupOrStop(threading.Event(), threading.Event(), event, longest=longest)


def test_a_poller_that_nobody_rings_looks_less_and_less_often() -> None:
    event = _Event()
    poller = _poller(event, longest=3.0)

    for _ in range(5):
        poller.wait(0.5)

    assert event.waited == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_a_poller_looks_often_again_once_it_was_rung_for() -> None:
    event = _Event(3)
    poller = _poller(event, longest=3.0)

    for _ in range(4):
        poller.wait(0.5)

    assert event.waited == [0.5, 1.0, 2.0, 0.5]


def test_a_pace_slower_than_an_idle_one_stays() -> None:
    event = _Event()
    poller = _poller(event, longest=3.0)

    for _ in range(2):
        poller.wait(60.0)

    assert event.waited == [60.0, 60.0]

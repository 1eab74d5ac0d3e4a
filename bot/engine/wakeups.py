"""Wake the queue pollers as soon as a job is committed.

The library polls each queue in a thread that sleeps in `stop_event.wait`. This hands that thread an event
which also ends the sleep when the queue is woken. It leans on one private function of the pinned version;
`tests/integration/engine/test_contract.py` fails when that changes.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final, cast

import sqlalchemy as sa
from dbos import DBOS
from dbos import _queue as library

_RETURNED: Final = "checkin"  # codespell:ignore checkin
_WOKEN_LATER: Final = "gatewright_wakeups"


class Wakeups:
    """Wakes the poller of a queue, from any thread; never needed for correctness."""

    def __init__(
        self, *, before_polling: Callable[[DBOS], None] = lambda _: None, longest: float = 0.0
    ) -> None:
        """`before_polling` is called in each poller's thread before it looks for the first time.

        The waits of a poller without wake-ups grow up to `longest` seconds.
        """
        self._before_polling = before_polling
        self._longest = longest
        self._events: defaultdict[str, threading.Event] = defaultdict(threading.Event)
        self._closed = threading.Event()
        self._pools: list[sa.Pool] = []
        self._original: Callable[..., None] | None = None

    def install(self) -> None:
        """Make pollers that start from now on wakeable."""
        self._original = original = library.queue_worker_thread

        def listening(stop_event: threading.Event, dbos: DBOS, queue: library.Queue) -> None:
            event = self._events[queue.name]
            self._before_polling(dbos)
            waiting = WakeupOrStop(stop_event, self._closed, event, longest=self._longest)
            original(cast("threading.Event", waiting), dbos, queue)

        library.queue_worker_thread = listening

    def remove(self) -> None:
        """Undo `install`, and stop to observe connection pools."""
        if self._original is not None:
            library.queue_worker_thread = self._original
            self._original = None
        while self._pools:
            sa.event.remove(self._pools.pop(), _RETURNED, self._returned)

    def wake_after_transaction(self, connection: sa.Connection, queue: str) -> None:
        """Wake a queue's poller once this connection's transaction is over."""
        pool = connection.engine.pool
        if pool not in self._pools:
            self._pools.append(pool)
            sa.event.listen(pool, _RETURNED, self._returned)
        connection.info.setdefault(_WOKEN_LATER, set()).add(queue)

    def wake(self, queue: str) -> None:
        """Make the poller of a queue check immediately."""
        self._events[queue].set()

    def wake_all(self) -> None:
        """Make every poller check immediately."""
        for event in list(self._events.values()):
            event.set()

    def close(self) -> None:
        """End every poller, so that nothing more is started."""
        self._closed.set()
        self.wake_all()

    def _returned(self, _: object, record: Any) -> None:
        for queue in record.info.pop(_WOKEN_LATER, ()):
            self.wake(queue)


class WakeupOrStop:
    """Replaces a poller's stop event: its wait ends on a wake-up or a stop."""

    def __init__(
        self, stop: threading.Event, closed: threading.Event, event: threading.Event, *, longest: float
    ) -> None:
        self._stop = stop
        self._closed = closed
        self._event = event
        self._longest = longest
        self._rest = 0.0

    def is_set(self) -> bool:
        """Whether the poller should end."""
        return self._stop.is_set() or self._closed.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for a wake-up, longer after idle waits; returns whether the poller should end."""
        if not self.is_set():
            rest = None if timeout is None else max(timeout, min(self._rest, self._longest))
            # A look right after a wake-up may collide with another process, so it is soon repeated.
            self._rest = 0.0 if self._event.wait(rest) else 2 * (rest or 0.0)
            self._event.clear()
        return self.is_set()

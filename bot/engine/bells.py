"""Pollers that wake when a job was committed, instead of at their next turn.

The library polls each queue in a thread that sleeps in `stop_event.wait`. This hands that thread an event
which also ends the sleep when the queue's bell rings. It leans on one private function of the pinned version;
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
_RUNG_LATER: Final = "gatewright_bells"


class Bells:
    """One bell per queue; ringing is cheap, safe from any thread, and never needed for correctness."""

    def __init__(self, *, before_polling: Callable[[DBOS], None] = lambda _: None) -> None:
        """`before_polling` is called in each poller's thread before it looks for the first time."""
        self._before_polling = before_polling
        self._events: defaultdict[str, threading.Event] = defaultdict(threading.Event)
        self._closed = threading.Event()
        self._pools: list[sa.Pool] = []
        self._original: Callable[..., None] | None = None

    def install(self) -> None:
        """Let pollers that start from now on listen to the bells."""
        self._original = original = library.queue_worker_thread

        def listening(stop_event: threading.Event, dbos: DBOS, queue: library.Queue) -> None:
            bell = self._events[queue.name]
            self._before_polling(dbos)
            original(cast("threading.Event", _BellOrStop(stop_event, self._closed, bell)), dbos, queue)

        library.queue_worker_thread = listening

    def remove(self) -> None:
        """Undo `install` and stop following pools."""
        if self._original is not None:
            library.queue_worker_thread = self._original
            self._original = None
        while self._pools:
            sa.event.remove(self._pools.pop(), _RETURNED, self._returned)

    def ring_after_transaction(self, connection: sa.Connection, queue: str) -> None:
        """Ring once this connection goes back to its pool, which is when the transaction is over."""
        pool = connection.engine.pool
        if pool not in self._pools:
            self._pools.append(pool)
            sa.event.listen(pool, _RETURNED, self._returned)
        connection.info.setdefault(_RUNG_LATER, set()).add(queue)

    def ring(self, queue: str) -> None:
        """Make the poller of a queue look at once."""
        self._events[queue].set()

    def close(self) -> None:
        """Make every poller end: nothing more is started here."""
        self._closed.set()
        for event in list(self._events.values()):
            event.set()

    def _returned(self, _: object, record: Any) -> None:
        for queue in record.info.pop(_RUNG_LATER, ()):
            self.ring(queue)


class _BellOrStop:
    """What a poller takes for its stop event: it sleeps until the bell rings, and ends when closed."""

    def __init__(self, stop: threading.Event, closed: threading.Event, bell: threading.Event) -> None:
        self._stop = stop
        self._closed = closed
        self._bell = bell

    def is_set(self) -> bool:
        return self._stop.is_set() or self._closed.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        if not self.is_set():
            self._bell.wait(timeout)
            self._bell.clear()
        return self.is_set()

"""Wake the pollers when other processes enqueue jobs (PostgreSQL)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

import psycopg
import sqlalchemy as sa

from bot.engine.config import QUEUES

_CHANNEL: Final = "gatewright_queued"
_LOOK_SECONDS: Final = 0.5
"""How quickly the thread notices a stop, in seconds."""
_PAUSE_SECONDS: Final = 2.0
_log = logging.getLogger(__name__)


def notify(connection: sa.Connection, queue: str) -> None:
    """Notify all listeners of a job when the caller's transaction commits."""
    connection.execute(sa.select(sa.func.pg_notify(_CHANNEL, queue)))


class Listener:
    """A thread that wakes pollers on notifications; never needed for correctness."""

    def __init__(self, connect: Callable[[], psycopg.Connection], wake: Callable[[str], None]) -> None:
        """`connect` opens a connection in autocommit mode."""
        self._connect = connect
        self._wake = wake
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gatewright-listener", daemon=True)

    def start(self) -> None:
        """Listen from now on, and again whenever the connection was lost."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._listen()
            except psycopg.OperationalError as error:
                _log.warning(
                    "jobs of other processes are noticed late, listening failed: %s; it is tried again",
                    type(error).__name__,
                )
                self._stopped.wait(_PAUSE_SECONDS)

    def _listen(self) -> None:
        with self._connect() as connection:
            connection.execute(f"LISTEN {_CHANNEL}".encode())
            for queue in QUEUES:  # Something may have been queued before.
                self._wake(queue)
            while not self._stopped.is_set():
                for heard in connection.notifies(timeout=_LOOK_SECONDS):
                    self._wake(heard.payload)

"""Hearing at once what other processes have queued (PostgreSQL), instead of at the next look at the queues."""

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
"""How soon the thread sees that it is to end."""
_PAUSE_SECONDS: Final = 2.0
_log = logging.getLogger(__name__)


def tell(connection: sa.Connection, queue: str) -> None:
    """Tell all listeners of a job in this queue when the caller's transaction commits."""
    connection.execute(sa.select(sa.func.pg_notify(_CHANNEL, queue)))


class Listener:
    """A thread that rings for what it hears; like the bells, it is never needed for correctness."""

    def __init__(self, connect: Callable[[], psycopg.Connection], ring: Callable[[str], None]) -> None:
        """`connect` opens a connection that commits by itself."""
        self._connect = connect
        self._ring = ring
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
                _log.warning("not hearing what others queue: %s; it is tried again", type(error).__name__)
                self._stopped.wait(_PAUSE_SECONDS)

    def _listen(self) -> None:
        with self._connect() as connection:
            connection.execute(f"LISTEN {_CHANNEL}".encode())
            for queue in QUEUES:  # Something may have been queued before.
                self._ring(queue)
            while not self._stopped.is_set():
                for heard in connection.notifies(timeout=_LOOK_SECONDS):
                    self._ring(heard.payload)

"""Who may run workflows, and what becomes of those whose process died.

SQLite: one process per database, by a file lock; it resumes its own. PostgreSQL: every process start has its
own name and says in a table that it lives; the work of the silent is handed back to the queues.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bot.engine.config import EngineError

_log = logging.getLogger(__name__)
_SILENT_BEATS: Final = 5
_TABLE_LOCK: Final = 4_719_030_211
"""Any number will do: two processes that start together must not both create the table."""

_beats = sa.Table(
    "gatewright_engine_heartbeats",
    sa.MetaData(),
    sa.Column("executor_id", sa.Text, primary_key=True),
    sa.Column("beat_at", sa.TIMESTAMP(timezone=True), nullable=False),
)


class DatabaseFileLock:
    """Held by the one process that runs workflows of a SQLite file; the system frees it when that dies."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + ".engine.lock")
        self._fd: int | None = None

    def acquire(self) -> None:
        """Take the lock, or raise EngineError that names the process which has it."""
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(fd, 20, 0).decode(errors="replace").strip() or "unknown"
            os.close(fd)
            raise EngineError(
                f"Another Gatewright process (pid {holder}) already runs on this data directory "
                f"({self._path.parent}). Stop it, or use PostgreSQL for several processes."
            ) from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._fd = fd

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


class Heartbeat:
    """A thread that says that this process lives and hands back the work of those that do not."""

    def __init__(
        self,
        engine: sa.Engine,
        *,
        executor_id: str,
        seconds: float,
        running: Callable[[], Sequence[str]],
        hand_back: Callable[[list[str]], object],
    ) -> None:
        """`running` lists the executors that own started workflows, `hand_back` re-queues those of the dead."""
        self._engine = engine
        self._executor_id = executor_id
        self._seconds = seconds
        self._running = running
        self._hand_back = hand_back
        self._stopped = threading.Event()
        self._reaping = threading.Event()
        self._last = 0.0
        self._thread = threading.Thread(target=self._run, name="gatewright-heartbeat", daemon=True)

    def start(self) -> None:
        """Beat once, so that nobody takes this process for dead, then go on in the thread."""
        with self._engine.begin() as connection:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_TABLE_LOCK)))
            _beats.create(connection, checkfirst=True)
        self._beat()
        self._thread.start()

    def reap(self) -> None:
        """Take over from the dead from now on; the engine must have been launched."""
        self._reaping.set()

    def stop(self) -> None:
        """End the thread and withdraw, so that others need not wait for unfinished work."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        with contextlib.suppress(sa.exc.SQLAlchemyError), self._engine.begin() as connection:
            connection.execute(sa.delete(_beats).where(_beats.c.executor_id == self._executor_id))

    @property
    def healthy(self) -> bool:
        """Whether the others take this process for alive."""
        return self._thread.is_alive() and time.monotonic() - self._last < self._seconds * _SILENT_BEATS

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            try:
                self._beat()
                if self._reaping.is_set():
                    self._reap()
            except sa.exc.SQLAlchemyError as error:
                # The database is away: nobody else can take over meanwhile either.
                _log.warning("heartbeat failed: %s", type(error).__name__)

    def _beat(self) -> None:
        started = time.monotonic()
        statement = insert(_beats).values(executor_id=self._executor_id, beat_at=sa.func.clock_timestamp())
        with self._engine.begin() as connection:
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["executor_id"], set_={"beat_at": sa.func.clock_timestamp()}
                )
            )
        self._last = started

    def _reap(self) -> None:
        age = sa.func.extract("epoch", sa.func.clock_timestamp() - _beats.c.beat_at)
        silent = age > self._seconds * _SILENT_BEATS
        with self._engine.begin() as connection:
            connection.execute(sa.delete(_beats).where(silent))
            live = set(connection.scalars(sa.select(_beats.c.executor_id)))
        dead = sorted(set(self._running()) - live)
        if dead:
            _log.warning("taking over the work of %s", ", ".join(dead))
            self._hand_back(dead)

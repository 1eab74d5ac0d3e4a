"""Detect dead processes, and hand their work to others (PostgreSQL).

Every process start has its own name and writes a heartbeat into a table, from a thread, so that a busy event
loop does not count as death. The row of a process without a heartbeat is removed and its work returns to the
queues. If the process was only suspended, it finds its row missing and stops working.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from bot.domain.core.session_limits import SESSION_PREFIX, SessionLimits
from bot.engine.config import EngineError

_log = logging.getLogger(__name__)
_BEATS: Final = 5
"""Beats that must fail to arrive before a process is taken for dead."""
_TABLE_LOCK: Final = 4_719_030_211
"""Any number will do: two processes that start together must not both create the table."""
_REAPER_LOCK: Final = 4_719_030_212

_beats = sa.Table(
    "gatewright_engine_heartbeats",
    sa.MetaData(),
    sa.Column("executor_id", sa.Text, primary_key=True),
    sa.Column("beat_at", sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column("patience", sa.Float, nullable=False, comment="seconds of silence that mean death"),
)


_sessions = sa.table(
    "pg_stat_activity",
    *(sa.column(name) for name in ("pid", "datname", "usename", "application_name", "state", "state_change")),
    sa.column("wait_event_type"),
)


class _DeclaredDeadError(EngineError):
    """Another process took this one for dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Succession:
    """Returns the work of dead processes to the queues."""

    running: Callable[[], Sequence[str]]
    """Lists the executors that own started workflows."""
    hand_back: Callable[[list[str]], object]
    """Puts the started workflows of these executors back into their queues; safe to repeat."""
    on_declared_dead: Callable[[], None]
    """Called once, in the heartbeat's thread, when others have taken over this process's work."""


class Heartbeat:
    """A thread that writes this process's heartbeat and recovers the work of dead processes."""

    def __init__(
        self, engine: sa.Engine, *, executor_id: str, limits: SessionLimits, succession: Succession
    ) -> None:
        """`limits` has the silence after which this process counts as dead."""
        self._engine = engine
        self._executor_id = executor_id
        self._seconds = limits.takeover_seconds
        self._pause = limits.pause_seconds
        self._succession = succession
        self._stopped = threading.Event()
        self._reaping = threading.Event()
        self._dead = threading.Event()
        self._last = 0.0
        self._failed = 0.0
        """When a beat last failed or was late; other processes may have had the same trouble."""
        self._thread = threading.Thread(target=self._run, name="gatewright-heartbeat", daemon=True)

    def start(self) -> None:
        """Record the first heartbeat, then continue in the thread."""
        with self._engine.begin() as connection:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_TABLE_LOCK)))
            _beats.create(connection, checkfirst=True)
        started = _now()
        first_beat = sa.insert(_beats).values(
            executor_id=self._executor_id, beat_at=sa.func.clock_timestamp(), patience=self._seconds
        )
        with self._engine.begin() as connection:
            connection.execute(first_beat)
        self._last = started
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
        """Whether no other process can have taken this one for dead yet."""
        return not self._dead.is_set() and _now() - self._last < self._seconds

    @property
    def declared_dead(self) -> bool:
        """Whether others have taken over; this process must not work again."""
        return self._dead.is_set()

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds / _BEATS):
            try:
                self._beat()
                if self._reaping.is_set():
                    self._reap()
            except sa.exc.SQLAlchemyError as error:
                # Without the database no other process can take over either.
                self._failed = _now()
                _log.warning("heartbeat failed: %s", type(error).__name__)
            except _DeclaredDeadError:
                _log.exception("this process stops working")
                self._dead.set()
                self._succession.on_declared_dead()
                return
            except Exception:  # noqa: BLE001 -- The heartbeat outlives whatever one takeover met.
                _log.exception("taking over the work of dead processes failed; it is tried again")

    def _beat(self) -> None:
        started = _now()
        if started - self._last > self._seconds:
            # This process was asleep, perhaps with all others.
            self._failed = started
        mine = sa.update(_beats).where(_beats.c.executor_id == self._executor_id)
        with self._engine.begin() as connection:
            if connection.execute(mine.values(beat_at=sa.func.clock_timestamp())).rowcount == 0:
                raise _DeclaredDeadError(
                    f"This process was silent for longer than {self._seconds:g} s, and others took over its work."
                )
        self._last = started

    def _reap(self) -> None:
        """Declare silent processes dead, and hand back the work of dead ones."""
        silent = self._silent()
        # First, and without a lock, since a dead session may hold it.
        with self._engine.begin() as connection:
            connection.execute(_end_sessions(silent, self._pause))
        with self._engine.begin() as connection:
            if not connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_REAPER_LOCK))):
                return
            connection.execute(sa.delete(_beats).where(silent))
        # They are declared dead before their work moves, and handing it back may take longer than a transaction.
        # First who works, then who lives: a process that starts in between works only after its first heartbeat.
        working = set(self._succession.running())
        with self._engine.begin() as connection:
            dead = sorted(working - set(connection.scalars(sa.select(_beats.c.executor_id))))
        if dead:
            _log.warning("taking over the work of %s", ", ".join(dead))
            # A workflow that another process has resumed belongs to that one, so a repetition changes nothing.
            self._succession.hand_back(dead)

    def _silent(self) -> sa.ColumnElement[bool]:
        now = sa.func.clock_timestamp()
        age = sa.func.extract("epoch", now - _beats.c.beat_at)
        up = sa.func.extract("epoch", now - sa.func.pg_postmaster_start_time())
        # While the database was unreachable, all were silent: each first gets the time for a heartbeat.
        reachable = sa.func.least(up, _now() - self._failed)
        return sa.and_(age > _beats.c.patience, reachable > _beats.c.patience)


def _end_sessions(silent: sa.ColumnElement[bool], pause: float) -> sa.Select[tuple[bool]]:
    """End the database sessions of silent processes, and our own that hang."""
    dead = sa.exists().where(_sessions.c.application_name == _beats.c.executor_id, silent)
    waited = sa.func.extract("epoch", sa.func.clock_timestamp() - _sessions.c.state_change)
    # The server ends sessions that are idle, but counts one whose client stopped inside a message as active.
    stuck = sa.and_(
        _sessions.c.application_name.startswith(SESSION_PREFIX),
        _sessions.c.state == "active",
        _sessions.c.wait_event_type == "Client",
        waited > pause,
    )
    return sa.select(sa.func.pg_terminate_backend(_sessions.c.pid)).where(
        _sessions.c.datname == sa.func.current_database(),
        # Those of others are not ours to end.
        _sessions.c.usename == sa.text("current_user"),
        sa.or_(dead, stuck),
    )


def _now() -> float:
    """Return seconds on a clock that continues while the machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()

"""Who lives, and what becomes of the work of those who do not (PostgreSQL).

Every process start has a name of its own and says in a table that it lives, from a thread, so that a busy event
loop is not taken for death. Whoever is silent for too long is declared dead by removing its row: its work is
handed back to the queues, and should it only have been asleep, it finds its row gone and stops working.
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

from bot.domain.session_limits import SESSION_PREFIX, SessionLimits
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
    """What the heartbeat must be told about the work of others."""

    running: Callable[[], Sequence[str]]
    """Lists the executors that own started workflows."""
    hand_back: Callable[[list[str]], object]
    """Puts the started workflows of these executors back into their queues; harmless when done before."""
    on_declared_dead: Callable[[], None]
    """Called once, in the heartbeat's thread, when others have taken over this process's work."""


class Heartbeat:
    """A thread that says that this process lives and hands back the work of those that do not."""

    def __init__(
        self, engine: sa.Engine, *, executor_id: str, limits: SessionLimits, succession: Succession
    ) -> None:
        """`limits` say what silence of this process is taken for its death; each process states its own."""
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
        """When a beat last failed or was late: whoever shared that trouble could not beat either."""
        self._thread = threading.Thread(target=self._run, name="gatewright-heartbeat", daemon=True)

    def start(self) -> None:
        """Be born, so that nobody takes this process for dead, then go on in the thread."""
        with self._engine.begin() as connection:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_TABLE_LOCK)))
            _beats.create(connection, checkfirst=True)
        started = _now()
        born = sa.insert(_beats).values(
            executor_id=self._executor_id, beat_at=sa.func.clock_timestamp(), patience=self._seconds
        )
        with self._engine.begin() as connection:
            connection.execute(born)
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
                # The database is away: nobody else can take over meanwhile either.
                self._failed = _now()
                _log.warning("heartbeat failed: %s", type(error).__name__)
            except _DeclaredDeadError:
                _log.exception("this process stops working")
                self._dead.set()
                self._succession.on_declared_dead()
                return
            except Exception:  # noqa: BLE001 -- The heartbeat outlives whatever one takeover met.
                _log.exception("taking over the work of the dead failed; it is tried again")

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
        """Declare the silent dead, and hand back the work of those that do not live.

        A handed-back workflow that was taken up again belongs to another executor, so that handing back the same
        dead twice changes nothing. After the database was away, all were silent: each is first given the time to beat.
        """
        silent = self._silent()
        # First, and without a lock: what stands in the way may be held by one of them.
        with self._engine.begin() as connection:
            connection.execute(_end_sessions(silent, self._pause))
        with self._engine.begin() as connection:
            if not connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_REAPER_LOCK))):
                return
            connection.execute(sa.delete(_beats).where(silent))
        # They are dead before their work moves, and handing it back may take longer than a transaction may.
        # First who works, then who lives: a process that starts in between works only after it lives.
        working = set(self._succession.running())
        with self._engine.begin() as connection:
            dead = sorted(working - set(connection.scalars(sa.select(_beats.c.executor_id))))
        if dead:
            _log.warning("taking over the work of %s", ", ".join(dead))
            self._succession.hand_back(dead)

    def _silent(self) -> sa.ColumnElement[bool]:
        now = sa.func.clock_timestamp()
        age = sa.func.extract("epoch", now - _beats.c.beat_at)
        up = sa.func.extract("epoch", now - sa.func.pg_postmaster_start_time())
        reachable = sa.func.least(up, _now() - self._failed)
        return sa.and_(age > _beats.c.patience, reachable > _beats.c.patience)


def _end_sessions(silent: sa.ColumnElement[bool], pause: float) -> sa.Select[tuple[bool]]:
    """End every session of the silent, and those of ours that have waited for their client for so long.

    The server's own limits end a session that stands still between two statements. One whose client stopped in the
    middle of a message is at work, as the server sees it, for as long as the connection stands.
    """
    dead = sa.exists().where(_sessions.c.application_name == _beats.c.executor_id, silent)
    waited = sa.func.extract("epoch", sa.func.clock_timestamp() - _sessions.c.state_change)
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
    """Return seconds on a clock that goes on while the machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()

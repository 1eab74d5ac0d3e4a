"""Cache the reads that the library repeats every second.

It uses private methods of the pinned version, which the contract test checks. Changes by other processes are
seen `FRESH_SECONDS` later; queued jobs are not cached.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import sqlalchemy as sa
from dbos import DBOS

from bot.engine.claiming import classes_of, waiting

FRESH_SECONDS: Final = 5.0
"""How long the queues and the newest application version are cached."""
_DEADLINES_SECONDS: Final = 30.0
"""Between two looks for workflows past a deadline of the library's; ours have none."""


class LibraryReads:
    """Caches reads of one launched library, for all of its threads."""

    def __init__(
        self, *, due: Callable[[str], None], note_waiting: Callable[[frozenset[bool]], None]
    ) -> None:
        """`due` is called with the queue of delayed jobs that may be claimed from now on.

        `note_waiting` is called before each claim: whether commands wait, and whether other jobs do.
        """
        self._due = due
        self._note_waiting = note_waiting
        self._lock = threading.Lock()
        self._no_deadline_until = 0.0
        self._question: sa.Select[Any] | None = None

    def install(self, dbos: DBOS) -> None:
        """Let the library read through this from now on; once is enough."""
        database: Any = dbos._sys_db  # noqa: SLF001 -- See above.
        with self._lock:
            if isinstance(database.list_queues, Remembered):
                return
            database.list_queues = Remembered(database.list_queues)
            # The connection that it is given says nothing about the answer.
            newest = Remembered(database._is_latest_version, by=lambda version, *_: version)  # noqa: SLF001
            database._is_latest_version = newest  # noqa: SLF001
            cancel = database.cancel_timed_out_workflows
            database.cancel_timed_out_workflows = partial(self._cancel, cancel)
            for name, nothing in (
                ("start_queued_partitioned_workflows", []),
                ("start_queued_workflows", ([], None)),
            ):
                claim = partial(self._claim, database, getattr(database, name), nothing)
                setattr(database, name, claim)
            transition = database.transition_delayed_workflows
            database.transition_delayed_workflows = partial(self._transition, database, transition)

    def _claim(
        self,
        database: Any,
        claim: Callable[..., Any],
        nothing: Any,
        queue: Any,
        *arguments: Any,
        **named: Any,
    ) -> Any:
        """Claim jobs if any wait: this check is cheaper than the library's own statement."""
        # The query is built once.
        if self._question is None:
            self._question = waiting(database.tables.workflow_status)
        with database.engine.connect() as connection:
            found = connection.scalars(self._question, {"queue": queue.name}).all()
        if not found:
            return nothing
        self._note_waiting(classes_of(found))
        return claim(queue, *arguments, **named)

    def _cancel(self, cancel: Callable[[int], list[str]], limit: int) -> list[str]:
        """Cancel jobs past their deadline, unless there was none a moment ago."""
        if time.monotonic() < self._no_deadline_until:
            return []
        cancelled = cancel(limit)
        if not cancelled:
            self._no_deadline_until = time.monotonic() + _DEADLINES_SECONDS
        return cancelled

    def _transition(self, database: Any, transition: Callable[[], None]) -> None:
        """Let delayed jobs be claimed, where there are any: finding none takes no lock this way."""
        jobs = database.tables.workflow_status.c
        waiting = sa.select(jobs.queue_name).where(
            jobs.status == "DELAYED", jobs.delay_until_epoch_ms <= int(time.time() * 1000)
        )
        with database.engine.connect() as connection:
            queues = set(connection.scalars(waiting.distinct()))
        if queues:
            transition()
            for queue in queues:
                self._due(queue)


class Remembered:
    """A call whose result counts for a while; safe from any thread."""

    def __init__(
        self,
        call: Callable[..., Any],
        *,
        by: Callable[..., object] = lambda *_: None,
        seconds: float = FRESH_SECONDS,
    ) -> None:
        """`by` returns what of the positional arguments the result depends on."""
        self._call = call
        self._seconds = seconds
        self._by = by
        self._known: dict[object, tuple[float, Any]] = {}

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Return the cached value, or the call's result."""
        key, now = self._by(*arguments), time.monotonic()
        known = self._known.get(key)
        if known is not None and now - known[0] < self._seconds:
            return known[1]
        result = self._call(*arguments, **named)
        self._known[key] = (now, result)
        return result

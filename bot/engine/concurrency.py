"""Limit concurrent jobs per process and over all processes.

The library stores every limit with the queue, so the process that started last would decide for all. Here
only the shared limits are stored; each process applies its own when its pollers read the queue. The library
has no limits per environment: these restrict which jobs a poller may claim. It uses two private methods of
the pinned version, which the contract test checks.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

import sqlalchemy as sa
from dbos import DBOS, DBOSClient
from dbos import _queue as library

from bot.engine.claiming import ClaimOrder
from bot.engine.config import VERSION, EngineConfig, QueueLimits
from bot.engine.library_reads import Remembered

ENVIRONMENT: Final = "environment"
"""Attribute of a workflow that counts against the cap of an environment."""
_log = logging.getLogger(__name__)


def register(client: DBOSClient, config: EngineConfig) -> None:
    """Store the queues with their shared limits; warn where stored ones differ."""
    known = {queue.name: queue for queue in client.list_queues()}
    for caps in config.queues():
        if caps.name in known:
            _warn_of_difference(caps, known[caps.name], "this process replaces them for all")
        over_all, per_key = caps.stored
        client.register_queue(
            caps.name,
            global_concurrency=over_all,
            partition_concurrency=per_key,
            polling_interval_sec=config.poll_seconds,
            on_conflict="always_update" if config.listen else "never_update",
        )


class OwnLimits:
    """The limits and the polling interval of this process."""

    def __init__(self, queues: Iterable[QueueLimits], *, poll_seconds: float) -> None:
        self._queues = {caps.name: caps for caps in queues}
        self._order = ClaimOrder(self._queues)
        self._poll_seconds = poll_seconds
        self._lock = threading.Lock()
        self._differing: set[str] = set()

    @property
    def note_waiting(self) -> Callable[[frozenset[bool]], None]:
        """Return what notes which jobs wait, before a claim."""
        return self._order.note_waiting

    def install(self, dbos: DBOS) -> None:
        """Give every queue that is read from the database this process's limits."""
        database: Any = dbos._sys_db  # noqa: SLF001 -- See above.
        with self._lock:
            if getattr(database.get_queue, "gatewright", False):
                return
            read = Remembered(database.get_queue, by=lambda name: name)

            def read_capped(name: str, **rest: Any) -> library.Queue | None:
                queue: library.Queue | None = read(name, **rest)
                if queue is not None and name in self._queues:
                    self._apply(queue, self._queues[name])
                return queue

            read_capped.gatewright = True  # type: ignore[attr-defined]
            database.get_queue = read_capped
            self._order.install(database)
            database._claim_gate = partial(self._claimable, database.tables.workflow_status)  # noqa: SLF001 -- See above.

    def _claimable(self, jobs: sa.Table, queue: str, key: str | None) -> list[sa.ColumnElement[bool]]:
        """Return the condition for a waiting job besides the library's own limits."""
        order = self._order.gate(jobs, queue) if key is None else []
        return [*order, *self._with_room(jobs, queue)]

    def _with_room(self, jobs: sa.Table, queue: str) -> list[sa.ColumnElement[bool]]:
        """Return the condition that a job's environment is below its limit."""
        most = self._queues[queue].per_environment if queue in self._queues else None
        if most is None:
            return []
        environment = jobs.c.attributes[ENVIRONMENT].as_string()
        others = jobs.alias("others")
        running = others.c.status == "PENDING"
        # One claim may take several jobs of a partition, which must leave room for one another.
        ahead = sa.and_(
            others.c.status == "ENQUEUED",
            others.c.queue_partition_key == jobs.c.queue_partition_key,
            others.c.priority < jobs.c.priority,
            sa.or_(others.c.application_version.is_(None), others.c.application_version == VERSION),
        )
        taken = sa.select(sa.func.count()).select_from(others).where(others.c.queue_name == queue)
        taken = taken.where(others.c.attributes[ENVIRONMENT].as_string() == environment)
        taken = taken.where(sa.or_(running, ahead)).correlate(jobs)
        return [sa.or_(environment.is_(None), taken.scalar_subquery() < most)]

    def _apply(self, queue: library.Queue, caps: QueueLimits) -> None:
        queue._worker_concurrency = caps.per_worker  # noqa: SLF001 -- See above.
        queue._polling_interval_sec = self._poll_seconds  # noqa: SLF001 -- See above.
        if queue.name not in self._differing and _warn_of_difference(caps, queue, "a process started later"):
            self._differing.add(queue.name)


def _warn_of_difference(caps: QueueLimits, stored: library.Queue, who: str) -> bool:
    found = (stored._concurrency, stored._partition_concurrency)  # noqa: SLF001 -- The public ones ask the database.
    if found == caps.stored:
        return False
    _log.warning(
        "queue %s: this process was given %s over all workers and %s per key, stored are %s and %s (%s);"
        " give every process the same settings",
        *(caps.name, *caps.stored, *found, who),
    )
    return True

"""Claim the next job: commands first, then the oldest of all keys.

With one job at a time per key, the library claims keys at random. After a push of a hundred pull requests,
they would be handled in any order, and a command among them late. Here the oldest job of each key is claimed
by age, and each process reserves capacity for commands. It uses two private methods of the pinned version,
which the contract test checks.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any, Final

import sqlalchemy as sa
from dbos import _queue as library

from bot.engine.config import VERSION, QueueLimits

ASKED: Final = "asked"
"""Attribute of a workflow that answers a command."""
_YES: Final = "yes"
ATTRIBUTES: Final[Mapping[str, str]] = {ASKED: _YES}
"""Of such a workflow."""
_BOTH: Final = frozenset({True, False})
_LOOKED_AT: Final = 50
_Claimed = tuple[list[str], Any]


class ClaimOrder:
    """The order in which the pollers of this process claim jobs."""

    def __init__(self, queues: Mapping[str, QueueLimits]) -> None:
        self._queues = queues
        # Each queue is polled in a thread of its own.
        self._turn = threading.local()

    def install(self, database: Any) -> None:
        """Let the pollers claim by age; once for each of the library's databases."""
        claim = database.start_queued_workflows

        def of_one_key(
            queue: library.Queue, executor: str, version: str, room: int, **rest: Any
        ) -> list[str]:
            """Claim where the library would take keys at random."""
            return self._claim(claim, queue, room, executor, version, **rest)[0]

        def of_all(
            queue: library.Queue,
            executor: str,
            version: str,
            key: str | None,
            running: int,
            *more: int,
            **rest: Any,
        ) -> _Claimed:
            """Claim where jobs have no keys, or from one partition."""
            most = queue._worker_concurrency  # noqa: SLF001 -- See above.
            if key is not None or most is None:
                found: _Claimed = claim(queue, executor, version, key, running, *more, **rest)
                return found
            return self._claim(claim, queue, max(0, most - running), executor, version, **rest)

        database.start_queued_partitioned_workflows = of_one_key
        database.start_queued_workflows = of_all

    def _claim(
        self, claim: Any, queue: library.Queue, room: int, executor: str, version: str, **rest: Any
    ) -> _Claimed:
        whole = copy(queue)
        whole._partition_concurrency = None  # noqa: SLF001 -- `gate` sees to it.
        caps = self._queues.get(queue.name)
        claimed: list[str] = []
        stopped: Any = None
        for asked in self._classes(caps):
            left = room - len(claimed) - (0 if asked or caps is None else caps.kept)
            if left > 0:
                whole._worker_concurrency = left  # noqa: SLF001 -- See above.
                self._turn.asked = asked
                ids, stopped = claim(whole, executor, version, None, 0, **rest)
                claimed += ids
        return claimed, stopped

    def note_waiting(self, classes: frozenset[bool]) -> None:
        """Note for this thread's next claim whether commands wait, and whether other jobs do."""
        self._turn.waiting = classes

    def _classes(self, caps: QueueLimits | None) -> tuple[bool, ...]:
        """Return what is claimed one after the other: commands, and whatever else has room."""
        if caps is None or not caps.has_commands:
            return (False,)
        waiting: frozenset[bool] = getattr(self._turn, "waiting", _BOTH)
        # A statement that can only find nothing is left out.
        return tuple(asked for asked in (True, False) if asked in waiting)

    def gate(self, jobs: sa.Table, queue: str) -> list[sa.ColumnElement[bool]]:
        """Return the condition for claiming a job from the whole queue."""
        asked = getattr(self._turn, "asked", False)
        if queue not in self._queues or self._queues[queue].per_key != 1:
            return [_is_asked(jobs)] if asked else []
        running, ahead, behind = (jobs.alias(name) for name in ("running", "ahead", "behind"))
        version = ahead.c.application_version
        is_ahead = sa.and_(ahead.c.priority < jobs.c.priority, sa.or_(version.is_(None), version == VERSION))
        first = [
            ~_of_its_key(jobs, running, "PENDING").exists(),
            ~_of_its_key(jobs, ahead, "ENQUEUED").where(is_ahead).exists(),
        ]
        if asked:
            # A command waits for what came before it on its pull request, so that is as urgent.
            first.append(_of_its_key(jobs, behind, "ENQUEUED").where(_is_asked(behind)).exists())
        return first


def waiting(jobs: sa.Table) -> sa.Select[Any]:
    """Return the query of the first jobs that wait in a queue: whether each is a command."""
    waits = (jobs.c.queue_name == sa.bindparam("queue"), jobs.c.status == sa.literal_column("'ENQUEUED'"))
    return sa.select(sa.func.coalesce(_is_asked(jobs), sa.false())).where(*waits).limit(_LOOKED_AT)


def classes_of(found: Sequence[bool]) -> frozenset[bool]:
    """Return which classes wait, by the rows of `waiting`; both where there may be more rows."""
    return _BOTH if len(found) == _LOOKED_AT else frozenset(bool(one) for one in found)


def _is_asked(jobs: sa.FromClause) -> sa.ColumnElement[bool]:
    is_asked: sa.ColumnElement[bool] = jobs.c.attributes[ASKED].as_string() == _YES
    return is_asked


def _of_its_key(jobs: sa.Table, others: sa.FromClause, status: str) -> sa.Select[Any]:
    """Select the jobs of the same queue and key, in the form of the library's partial index."""
    return (
        sa.select(sa.literal(1))
        .select_from(others)
        .where(
            others.c.queue_name == jobs.c.queue_name,
            others.c.status == sa.literal_column(f"'{status}'"),
            others.c.queue_partition_key.is_not(None),
            others.c.queue_partition_key == jobs.c.queue_partition_key,
        )
        .correlate(jobs)
    )

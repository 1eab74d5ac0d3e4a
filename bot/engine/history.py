"""Questions about the library's own rows, and their pruning.

The counts read its tables with plain SQL, because its API can only list whole rows; the contract test
guards the names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from dbos import DBOSClient, WorkflowStatus

from bot.engine.config import QUEUES, VERSION, WORKFLOWS
from bot.engine.workflows import describe

_UNFINISHED: Final = ("ENQUEUED", "PENDING", "DELAYED")
_BAD_ENDS: Final = ["ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED", "CANCELLED"]
_RECORDED: Final = "gatewright_told"
_PAGE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranded:
    """An unfinished workflow that no process of this version runs; it may block its partition."""

    id: str
    workflow: str
    queue: str | None
    partition: str | None
    status: str
    version: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Jobs of one queue that wait, or that are worked on."""

    queue: str
    waits: bool
    count: int
    since: float
    """When the oldest of them was queued, or taken up: seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A failed workflow whose failure is not recorded yet."""

    id: str
    workflow: str
    argument: str
    error: str


class History:
    """Reads of the workflow table; all methods block, call them in a thread."""

    def __init__(self, engine: sa.Engine, client: DBOSClient) -> None:
        self._engine = engine
        self._client = client
        schema = "dbos" if engine.dialect.name == "postgresql" else None
        columns = ("workflow_uuid", "name", "status", "queue_name", "queue_partition_key")
        self._rows = sa.table(
            "workflow_status",
            *(sa.column(name) for name in (*columns, "application_version", "executor_id")),
            *(sa.column(name, sa.BigInteger) for name in ("created_at", "started_at_epoch_ms")),
            schema=schema,
        )

    def loads(self) -> list[Load]:
        """Return the numbers of waiting and active jobs, by queue; queues without any are omitted."""
        rows = self._rows.c
        since = sa.case(
            (rows.status == "PENDING", sa.func.coalesce(rows.started_at_epoch_ms, rows.created_at)),
            else_=rows.created_at,
        )
        query = (
            sa.select(rows.queue_name, rows.status, sa.func.count(), sa.func.min(since))
            .where(rows.status.in_(("ENQUEUED", "PENDING")), rows.queue_name.in_(QUEUES))
            .group_by(rows.queue_name, rows.status)
        )
        with self._engine.begin() as connection:
            found = connection.execute(query).all()
        return [
            Load(
                queue=str(queue),
                waits=status == "ENQUEUED",
                count=int(count),
                since=float(oldest or 0) / 1000,
            )
            for queue, status, count, oldest in found
        ]

    def depths(self) -> dict[str, int]:
        """Queue -> jobs that wait in it, zero included."""
        waiting = {load.queue: load.count for load in self.loads() if load.waits}
        return dict.fromkeys(sorted(QUEUES), 0) | waiting

    def running_executors(self) -> Sequence[str]:
        """Names of the processes that own started workflows."""
        query = sa.select(self._rows.c.executor_id).where(self._rows.c.status == "PENDING").distinct()
        with self._engine.begin() as connection:
            return [str(name) for name in connection.scalars(query) if name is not None]

    def stranded(self) -> list[Stranded]:
        """Unfinished workflows of unknown name, queue or version."""
        rows = self._rows.c
        foreign = sa.or_(
            rows.name.not_in(WORKFLOWS),
            rows.queue_name.not_in(QUEUES),
            rows.application_version != VERSION,
        )
        query = sa.select(self._rows).where(rows.status.in_(_UNFINISHED), foreign).limit(_PAGE)
        with self._engine.begin() as connection:
            found = connection.execute(query).mappings().all()
        return [
            Stranded(
                id=row["workflow_uuid"],
                workflow=row["name"],
                queue=row["queue_name"],
                partition=row["queue_partition_key"],
                status=row["status"],
                version=row["application_version"],
            )
            for row in found
        ]

    def abandoned(self, ids: Sequence[str]) -> frozenset[str]:
        """Return those ids of which there is no workflow that is waiting or running."""
        rows = self._rows.c
        query = sa.select(rows.workflow_uuid).where(rows.workflow_uuid.in_(ids), rows.status.in_(_UNFINISHED))
        with self._engine.begin() as connection:
            return frozenset(ids) - frozenset(connection.scalars(query))

    def lost(self) -> list[Lost]:
        """Return the failed workflows whose failure is not recorded."""
        found = self._client.list_workflows(status=_BAD_ENDS, load_output=True)
        return [_lost(row) for row in found if not (row.attributes or {}).get(_RECORDED)]

    def mark_recorded(self, id: str) -> None:
        """Mark a failed workflow as recorded."""
        self._client.update_workflow_attributes(id, {_RECORDED: True})

    def prune(self, before: datetime) -> int:
        """Delete workflows that finished before then and are recorded; returns how many."""
        count = 0
        while ids := self._succeeded(before):
            self._client.delete_workflows(ids)
            count += len(ids)
        bad = self._client.list_workflows(
            status=_BAD_ENDS, completed_before=before.isoformat(), load_input=False, load_output=False
        )
        recorded = [row.workflow_id for row in bad if (row.attributes or {}).get(_RECORDED)]
        if recorded:
            self._client.delete_workflows(recorded)
        return count + len(recorded)

    def _succeeded(self, before: datetime) -> list[str]:
        rows = self._client.list_workflows(
            status="SUCCESS",
            completed_before=before.isoformat(),
            load_input=False,
            load_output=False,
            limit=_PAGE,
        )
        return [row.workflow_id for row in rows]


def _lost(row: WorkflowStatus) -> Lost:
    arguments = row.input["args"] if row.input else ()
    error = describe(row.error) if row.error else row.status.replace("_", " ").lower()
    return Lost(
        id=row.workflow_id,
        workflow=row.name,
        argument=str(arguments[0]) if arguments else "",
        error=error,
    )

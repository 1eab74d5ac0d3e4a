"""Statements of one writing transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.database import rows, tables
from bot.adapters.database.coordination import CoordinationStatements
from bot.adapters.database.environment_queue import EnvironmentQueueStatements
from bot.adapters.database.errors import DatabaseError
from bot.adapters.database.forks import ForkStatements
from bot.adapters.database.live_log import LogChunkStatements
from bot.adapters.database.parities import ParityStatements
from bot.adapters.database.pushers import PusherStatements
from bot.adapters.database.reader import SqlReader
from bot.adapters.database.releases import ReleaseStatements
from bot.adapters.database.repositories import RepositoryStatements
from bot.adapters.database.rescues import RescueStatements
from bot.adapters.database.restores import RestoreStatements
from bot.adapters.database.reverts import RevertStatements
from bot.adapters.database.run_audit import RunAuditStatements
from bot.adapters.database.types import FreeText, UtcDateTime
from bot.adapters.database.upkeep import SqlUpkeepWriter
from bot.domain.errors import TakenOverError
from bot.domain.lifecycle import TERMINAL, may_move
from bot.domain.model import (
    DeliveryId,
    FailureClass,
    Login,
    PlanId,
    PlanStatus,
    Run,
    RunId,
    RunStatus,
    Sha,
    Stack,
)
from bot.domain.plan import Lock, PlanRecord
from bot.ports import Artifact, Delivery, Job, NewRun, StateVersion

_STACK_LOCKS: Final = 4_719_030_213
"""Any number will do that nothing else makes PostgreSQL's advisory locks from."""
Enqueue = Callable[[sa.Connection, Job, int], None]
"""Starts a durable workflow in the transaction of the connection; the number orders jobs, lowest first."""


class SqlWriter(
    SqlReader,
    SqlUpkeepWriter,
    ReleaseStatements,
    RevertStatements,
    CoordinationStatements,
    EnvironmentQueueStatements,
    ForkStatements,
    LogChunkStatements,
    RunAuditStatements,
    RescueStatements,
    RestoreStatements,
    PusherStatements,
    ParityStatements,
    RepositoryStatements,
):
    """Reads and writes inside one transaction of `connection`."""

    def __init__(self, connection: AsyncConnection, enqueue: Enqueue | None) -> None:
        super().__init__(connection)
        self._enqueue = enqueue

    async def add_delivery(self, delivery: Delivery) -> bool:
        """Record a delivery; False when its GUID is known."""
        table = tables.deliveries
        statement = self._insert(table, rows.delivery_values(delivery))
        statement = statement.on_conflict_do_nothing(index_elements=["id"])
        return await self._first(statement.returning(table.c.sequence)) is not None

    async def finish_delivery(self, id: DeliveryId, outcome: str, note: str) -> None:
        """Record how a delivery was handled."""
        await self._update(tables.deliveries, id, outcome=outcome, note=note)

    async def claim_comment(self, repo: str, comment_id: int, delivery_id: DeliveryId) -> bool:
        """Whether this delivery is the one that handles the comment (true again for the same delivery)."""
        table = tables.claimed_comments
        claim = {"repo": repo, "comment_id": comment_id, "delivery_id": delivery_id}
        statement = self._insert(table, claim).on_conflict_do_update(
            # Changing nothing makes the row in force come back, whoever wrote it, in one atomic statement.
            index_elements=["repo", "comment_id"],
            set_={"delivery_id": table.c.delivery_id},
        )
        row = await self._first(statement.returning(table.c.delivery_id))
        return row is not None and row["delivery_id"] == delivery_id

    async def enqueue(self, job: Job) -> None:
        """Start a durable workflow when this transaction commits; a job id that is known starts nothing."""
        if self._enqueue is None:
            raise DatabaseError(f"The job {job.id} cannot be started: this process has no durable engine.")
        table = tables.jobs
        values = {"id": job.id, "workflow": job.workflow, "argument": job.argument}
        statement = self._insert(table, values).on_conflict_do_nothing(index_elements=["id"])
        row = await self._first(statement.returning(table.c.sequence))
        if row is not None:
            await self._connection.run_sync(self._enqueue, job, int(row["sequence"]))

    async def add_run(self, run: NewRun, at: datetime) -> Run | None:
        """Record a queued run with its first timeline row; None when its dedupe key is known."""
        statement = self._insert(tables.runs, rows.run_values(run) | {"created_at": at})
        statement = statement.on_conflict_do_nothing(index_elements=["dedupe_key"])
        row = await self._first(statement.returning(tables.runs))
        if row is None:
            return None
        await self._add_timeline(run.id, RunStatus.QUEUED, at, run.actor, "queued")
        return rows.to_run(row)

    async def move_run(
        self,
        id: RunId,
        status: RunStatus,
        *,
        at: datetime,
        actor: str,
        why: str,
        failure_class: FailureClass | None = None,
        plan_id: PlanId | None = None,
    ) -> bool:
        """Record a transition and its timeline row; False when `lifecycle.may_move` forbids it.

        A run that ends without a result has the reason of its last transition as its summary.
        """
        columns = tables.runs.c
        query = sa.select(columns.status, columns.started_at).where(columns.id == id)
        row = await self._first(query.with_for_update())
        if row is None:
            raise DatabaseError(f"The run {id} is not recorded.")
        if not may_move(RunStatus(row["status"]), status):
            return False
        values: dict[str, Any] = {"status": status}
        if status in TERMINAL:
            summary = sa.func.coalesce(columns.summary, sa.literal(why, FreeText()))
            values |= {"finished_at": at, "summary": summary, "failure_class": failure_class}
        elif row["started_at"] is None:
            values["started_at"] = at
        if plan_id is not None:
            values["plan_id"] = plan_id
        await self._update(tables.runs, id, **values)
        await self._add_timeline(id, status, at, actor, why)
        return True

    async def set_result(self, id: RunId, *, summary: str, detail: Mapping[str, Any]) -> bool:
        """Record what the report will say; False for a run that has ended, whose result stays as it is."""
        columns = tables.runs.c
        statement = sa.update(tables.runs).where(columns.id == id, columns.status.not_in(sorted(TERMINAL)))
        result = await self._connection.execute(statement.values(summary=summary, detail=dict(detail)))
        return result.rowcount > 0

    async def request_cancel(self, id: RunId, by: Login) -> None:
        """Note who asked to cancel a run; the first who asked stays noted."""
        await self._update(
            tables.runs, id, cancel_requested_by=sa.func.coalesce(tables.runs.c.cancel_requested_by, by)
        )

    async def record_intent(self, id: RunId, at: datetime) -> None:
        """Note that a change is about to start; TakenOverError when somebody has noted that, or the run's end, before."""
        columns = tables.runs.c
        statement = sa.update(tables.runs).where(
            columns.id == id, columns.intent_at.is_(None), columns.status.not_in(sorted(TERMINAL))
        )
        if (await self._connection.execute(statement.values(intent_at=at))).rowcount == 0:
            raise TakenOverError(f"The run {id} was begun or ended by another worker.")

    async def add_plan(self, plan: PlanRecord) -> None:
        """Record a plan; the same plan of the same run may be recorded again."""
        table = tables.plans
        statement = self._insert(table, rows.plan_values(plan)).on_conflict_do_nothing(index_elements=["id"])
        if await self._first(statement.returning(table.c.id)) is not None:
            return
        known = await self._first(sa.select(table.c.plan_sha256, table.c.run_id).where(table.c.id == plan.id))
        if known is None or (known["run_id"], known["plan_sha256"]) != (plan.run_id, plan.plan_sha256):
            raise DatabaseError(f"The plan id {plan.id} belongs to another plan already.")

    async def set_plan_status(self, id: PlanId, status: PlanStatus, reason: str | None) -> None:
        """Record what became of a plan."""
        await self._update(tables.plans, id, status=status, status_reason=reason)

    async def mark_posted(self, id: PlanId, at: datetime) -> None:
        """Note when a plan could first be read on its pull request; the first time stays noted."""
        await self._update(tables.plans, id, posted_at=_first_time(tables.plans.c.posted_at, at))

    async def lock(self, stack: Stack) -> Lock | None:
        """Return the lock of the stack's state key; until this transaction is over, nobody else is told of it.

        Whoever looks here acts on what is found, also on finding none, of which there is no row that could be held.
        """
        if self._connection.dialect.name == "postgresql":
            number = sa.func.hashtextextended(stack.state_key, _STACK_LOCKS)
            await self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))
        return await super().lock(stack)

    async def take_lock(self, lock: Lock) -> Lock:
        """Take the lock if it is free; returns the lock that is now in force, ours or another's."""
        table = tables.locks
        statement = self._insert(table, rows.lock_values(lock)).on_conflict_do_update(
            # As above: one atomic statement that returns the row in force.
            index_elements=["state_key"],
            set_={"state_key": table.c.state_key},
        )
        row = await self._first(statement.returning(table))
        if row is None:
            raise DatabaseError(f"The lock of {lock.stack.state_key} could not be read back.")
        return rows.to_lock(row)

    async def release_lock(self, stack: Stack) -> None:
        """Free the lock of the stack's state key; a free one is not an error."""
        await self._connection.execute(
            sa.delete(tables.locks).where(tables.locks.c.state_key == stack.state_key)
        )

    async def set_remote_id(self, repo: str, key: str, remote_id: int, *, node_id: str | None = None) -> None:
        """Remember the id GitHub gave something we created; the newest counts."""
        known = {"remote_id": remote_id, "node_id": node_id}
        statement = self._insert(tables.remote_ids, {"repo": repo, "key": key, **known})
        await self._connection.execute(
            statement.on_conflict_do_update(index_elements=["repo", "key"], set_=known)
        )

    async def add_state_version(self, version: StateVersion) -> None:
        """Record a snapshot of a state."""
        values = rows.state_version_values(version)
        await self._connection.execute(self._insert(tables.state_versions, values))

    async def add_artifact(self, artifact: Artifact) -> None:
        """Record an artifact; a repeated step replaces the one of the same name."""
        statement = self._insert(tables.artifacts, rows.artifact_values(artifact))
        replaced = {"object_key": artifact.object_key, "created_at": artifact.created_at}
        await self._connection.execute(
            statement.on_conflict_do_update(index_elements=["run_id", "name"], set_=replaced)
        )

    async def record_policy(self, repo: str, digest: str, text: str, commit: Sha, at: datetime) -> None:
        """Record a version of the policy once per repository and digest."""
        values = {"repo": repo, "digest": digest, "text": text, "commit": commit, "recorded_at": at}
        statement = self._insert(tables.policy_versions, values)
        await self._connection.execute(statement.on_conflict_do_nothing(index_elements=["repo", "digest"]))

    async def _add_timeline(self, id: RunId, status: RunStatus, at: datetime, actor: str, why: str) -> None:
        values = {"run_id": id, "status": status, "at": at, "actor": actor, "why": why}
        await self._connection.execute(self._insert(tables.run_timeline, values))


def _first_time(column: sa.Column[datetime], at: datetime) -> sa.ColumnElement[datetime]:
    return sa.func.coalesce(column, sa.literal(at, UtcDateTime()))

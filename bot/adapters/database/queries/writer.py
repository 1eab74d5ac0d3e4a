"""All statements of a writing transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.database.connection.errors import DatabaseError
from bot.adapters.database.queries import rows
from bot.adapters.database.queries.check_runs import CheckRunStatements
from bot.adapters.database.queries.coordination import CoordinationStatements
from bot.adapters.database.queries.environment_queue import EnvironmentQueueStatements
from bot.adapters.database.queries.errored_states import ErroredStateStatements
from bot.adapters.database.queries.fields import account_values
from bot.adapters.database.queries.forks import ForkStatements
from bot.adapters.database.queries.live_log import LogChunkStatements
from bot.adapters.database.queries.measures import MeasureStatements
from bot.adapters.database.queries.outlines import has_risk_summary
from bot.adapters.database.queries.parities import ParityStatements
from bot.adapters.database.queries.pull_heads import PullHeadStatements
from bot.adapters.database.queries.pushers import PusherStatements
from bot.adapters.database.queries.reader import SqlReader
from bot.adapters.database.queries.releases import ReleaseStatements
from bot.adapters.database.queries.repositories import RepositoryStatements
from bot.adapters.database.queries.restores import RestoreStatements
from bot.adapters.database.queries.reverts import RevertStatements
from bot.adapters.database.queries.run_audit import RunAuditStatements
from bot.adapters.database.queries.upkeep import SqlUpkeepWriter
from bot.adapters.database.tables import core
from bot.adapters.database.tables.types import FreeText, UtcDateTime
from bot.domain.core.accounts import Account
from bot.domain.core.errors import TakenOverError
from bot.domain.core.model import (
    DeliveryId,
    FailureClass,
    PlanId,
    PlanStatus,
    Run,
    RunId,
    RunStatus,
    Sha,
    Stack,
)
from bot.domain.core.run_lifecycle import TERMINAL, may_move
from bot.domain.plans.plan import Lock, PlanRecord
from bot.ports import Artifact, Delivery, Job, NewRun, StateVersion

_STACK_LOCKS: Final = 4_719_030_213
"""The seed of PostgreSQL's advisory locks of stacks; any number that nothing else uses."""
Enqueue = Callable[[sa.Connection, Job, int], None]
"""Starts a durable workflow in the transaction of the connection.

The number orders jobs, lowest first.
"""


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
    MeasureStatements,
    ErroredStateStatements,
    RestoreStatements,
    PusherStatements,
    PullHeadStatements,
    CheckRunStatements,
    ParityStatements,
    RepositoryStatements,
):
    """Reads and writes inside one transaction of `connection`."""

    def __init__(self, connection: AsyncConnection, enqueue: Enqueue | None) -> None:
        super().__init__(connection)
        self._enqueue = enqueue

    async def add_delivery(self, delivery: Delivery) -> bool:
        """Record a delivery; returns False if its GUID is known."""
        table = core.deliveries
        statement = self._insert(table, rows.delivery_values(delivery))
        statement = statement.on_conflict_do_nothing(index_elements=["id"])
        return await self._first(statement.returning(table.c.sequence)) is not None

    async def finish_delivery(self, id: DeliveryId, outcome: str, note: str) -> None:
        """Record how a delivery was handled."""
        await self._update(core.deliveries, id, outcome=outcome, note=note)

    async def claim_comment(self, repo: str, comment_id: int, delivery_id: DeliveryId) -> bool:
        """Reserve a comment for a delivery; returns True again for the same delivery."""
        table = core.claimed_comments
        claim = {"repo": repo, "comment_id": comment_id, "delivery_id": delivery_id}
        statement = self._insert(table, claim).on_conflict_do_update(
            # The update changes nothing, but makes RETURNING return the existing row, in one atomic statement.
            index_elements=["repo", "comment_id"],
            set_={"delivery_id": table.c.delivery_id},
        )
        row = await self._first(statement.returning(table.c.delivery_id))
        return row is not None and row["delivery_id"] == delivery_id

    async def enqueue(self, job: Job) -> None:
        """Start a durable workflow when this transaction commits; a known job id starts nothing."""
        if self._enqueue is None:
            raise DatabaseError(f"The job {job.id} cannot be started: this process has no durable engine.")
        table = core.jobs
        values = {"id": job.id, "workflow": job.workflow, "argument": job.argument}
        statement = self._insert(table, values).on_conflict_do_nothing(index_elements=["id"])
        row = await self._first(statement.returning(table.c.sequence))
        # A repeated step enqueues the same job again; only the first insert starts a workflow.
        if row is not None:
            await self._connection.run_sync(self._enqueue, job, int(row["sequence"]))

    async def add_run(self, run: NewRun, at: datetime) -> Run | None:
        """Record a queued run with its first timeline row; None if its dedupe key is known."""
        values = rows.run_values(run) | {"created_at": at, "has_risk_summary": has_risk_summary(run.plan_id)}
        statement = self._insert(core.runs, values)
        statement = statement.on_conflict_do_nothing(index_elements=["dedupe_key"])
        row = await self._first(statement.returning(core.runs))
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
        actor: Account,
        why: str,
        failure_class: FailureClass | None = None,
        plan_id: PlanId | None = None,
    ) -> bool:
        """Record a transition with its timeline row; returns False if `may_move` forbids it.

        A run that ends without a result gets the reason of its last transition as its summary.
        """
        columns = core.runs.c
        is_end = status in TERMINAL
        values: dict[str, Any] = {"status": status}
        # A result that was recorded before is kept as the summary.
        if is_end:
            summary = sa.func.coalesce(columns.summary, sa.literal(why, FreeText()))
            values |= {"finished_at": at, "summary": summary, "failure_class": failure_class}
        else:
            values["started_at"] = _first_time(columns.started_at, at)
        if plan_id is not None:
            values |= {"plan_id": plan_id, "has_risk_summary": has_risk_summary(plan_id)}
        # The condition stands in the update, so that of two concurrent transitions the second one is judged by the
        # first one's result.
        movable = columns.status.in_([before for before in RunStatus if may_move(before, status)])
        statement = sa.update(core.runs).where(columns.id == id, movable).values(values)
        row = await self._first(statement.returning(core.runs))
        if row is None:
            if await self._row(core.runs, id=id) is None:
                raise DatabaseError(f"The run {id} is not recorded.")
            return False
        await self._add_timeline(id, status, at, actor, why)
        if is_end:
            await self._add_fact(rows.to_run(row))
        return True

    async def set_result(self, id: RunId, *, summary: str, detail: Mapping[str, Any]) -> bool:
        """Record the result for the report; does nothing, and returns False, if the run has ended."""
        columns = core.runs.c
        statement = sa.update(core.runs).where(columns.id == id, columns.status.not_in(sorted(TERMINAL)))
        result = await self._connection.execute(statement.values(summary=summary, detail=dict(detail)))
        return result.rowcount > 0

    async def request_cancel(self, id: RunId, by: Account) -> None:
        """Record who requested to cancel a run; does nothing if that was requested before."""
        columns = core.runs.c
        statement = sa.update(core.runs).where(columns.id == id, columns.cancel_requested_by.is_(None))
        await self._connection.execute(statement.values(account_values("cancel_requested_by", by)))

    async def record_intent(self, id: RunId, at: datetime) -> None:
        """Record that a change is about to start; TakenOverError if another worker was first."""
        columns = core.runs.c
        statement = sa.update(core.runs).where(
            columns.id == id, columns.intent_at.is_(None), columns.status.not_in(sorted(TERMINAL))
        )
        if (await self._connection.execute(statement.values(intent_at=at))).rowcount == 0:
            raise TakenOverError(f"Another worker has already begun or ended the run {id}.")

    async def add_plan(self, plan: PlanRecord) -> None:
        """Record a plan; recording the same plan of the same run again does nothing."""
        table = core.plans
        statement = self._insert(table, rows.plan_values(plan)).on_conflict_do_nothing(index_elements=["id"])
        if await self._first(statement.returning(table.c.id)) is not None:
            return
        known = await self._first(sa.select(table.c.plan_sha256, table.c.run_id).where(table.c.id == plan.id))
        if known is None or (known["run_id"], known["plan_sha256"]) != (plan.run_id, plan.plan_sha256):
            raise DatabaseError(f"The plan id {plan.id} already belongs to another plan.")

    async def set_plan_status(self, id: PlanId, status: PlanStatus, reason: str | None) -> None:
        """Update the status of a plan."""
        await self._update(core.plans, id, status=status, status_reason=reason)

    async def mark_posted(self, id: PlanId, at: datetime) -> None:
        """Record when a plan's comment was first posted; later times do not replace it."""
        await self._update(core.plans, id, posted_at=_first_time(core.plans.c.posted_at, at))

    async def lock(self, stack: Stack) -> Lock | None:
        """Return the lock of the stack's state key; reserves that key until the transaction ends."""
        # Callers act on the result, which may be that there is no lock. Then there is no row that SELECT FOR UPDATE
        # could lock, so an advisory lock on the key is taken. On SQLite, writing transactions do not overlap.
        if self._connection.dialect.name == "postgresql":
            number = sa.func.hashtextextended(stack.state_key, _STACK_LOCKS)
            await self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))
        return await super().lock(stack)

    async def take_lock(self, lock: Lock) -> Lock:
        """Lock the stack if it is not locked; returns the current lock, which may be another's."""
        table = core.locks
        statement = self._insert(table, rows.lock_values(lock)).on_conflict_do_update(
            # As above: one atomic statement that returns the existing row.
            index_elements=["state_key"],
            set_={"state_key": table.c.state_key},
        )
        row = await self._first(statement.returning(table))
        if row is None:
            raise DatabaseError(f"The lock of {lock.stack.state_key} could not be read after writing it.")
        return rows.to_lock(row)

    async def release_lock(self, stack: Stack) -> None:
        """Unlock the stack's state key; not being locked is no error."""
        await self._connection.execute(sa.delete(core.locks).where(core.locks.c.state_key == stack.state_key))

    async def set_remote_id(self, repo: str, key: str, remote_id: int, *, node_id: str | None = None) -> None:
        """Record GitHub's id of something that Gatewright created; replaces the previous id."""
        known = {"remote_id": remote_id, "node_id": node_id}
        statement = self._insert(core.remote_ids, {"repo": repo, "key": key, **known})
        await self._connection.execute(
            statement.on_conflict_do_update(index_elements=["repo", "key"], set_=known)
        )

    async def add_state_version(self, version: StateVersion) -> None:
        """Record a snapshot of a state."""
        values = rows.state_version_values(version)
        await self._connection.execute(self._insert(core.state_versions, values))

    async def add_artifact(self, artifact: Artifact) -> None:
        """Record an artifact; replaces one of the same name, which an earlier attempt recorded."""
        statement = self._insert(core.artifacts, rows.artifact_values(artifact))
        replaced = {"object_key": artifact.object_key, "created_at": artifact.created_at}
        await self._connection.execute(
            statement.on_conflict_do_update(index_elements=["run_id", "name"], set_=replaced)
        )

    async def record_policy(self, repo: str, digest: str, text: str, commit: Sha, at: datetime) -> None:
        """Record a version of the policy, once per digest, and that it is the current one."""
        values = {"repo": repo, "digest": digest, "text": text, "commit": commit, "recorded_at": at}
        statement = self._insert(core.policy_versions, values)
        await self._connection.execute(statement.on_conflict_do_nothing(index_elements=["repo", "digest"]))
        columns = core.policy_versions.c
        query = sa.select(columns.sequence).where(columns.repo == repo, columns.digest == digest)
        row = await self._first(query)
        if row is not None:
            await self.set_remote_id(repo, core.IN_FORCE, int(row["sequence"]))

    async def _add_timeline(
        self, id: RunId, status: RunStatus, at: datetime, actor: Account, why: str
    ) -> None:
        values = {"run_id": id, "status": status, "at": at, "why": why, **account_values("actor", actor)}
        await self._connection.execute(self._insert(core.run_timeline, values))


def _first_time(column: sa.Column[datetime], at: datetime) -> sa.ColumnElement[datetime]:
    return sa.func.coalesce(column, sa.literal(at, UtcDateTime()))

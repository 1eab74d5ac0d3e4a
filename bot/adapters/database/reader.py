"""Queries of one reading transaction."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from bot.adapters.database import rows, tables
from bot.adapters.database.coordination import CoordinationQueries
from bot.adapters.database.environment_queue import EnvironmentQueueQueries
from bot.adapters.database.forks import ForkQueries
from bot.adapters.database.live_log import LogChunkQueries
from bot.adapters.database.outlines import OutlineQueries, plans_query
from bot.adapters.database.parities import ParityQueries
from bot.adapters.database.pushers import PusherQueries
from bot.adapters.database.reconciliation import SqlReconciliationReader
from bot.adapters.database.releases import ReleaseQueries
from bot.adapters.database.repositories import RepositoryQueries
from bot.adapters.database.rescues import RescueQueries
from bot.adapters.database.restores import RestoreQueries
from bot.adapters.database.reverts import RevertQueries
from bot.adapters.database.run_audit import RunAuditQueries
from bot.adapters.database.run_list import RunListQueries
from bot.adapters.database.upkeep import SqlUpkeepReader
from bot.domain.model import (
    DeliveryId,
    PlanId,
    PlanStatus,
    Run,
    RunId,
    RunKind,
    RunStatus,
    Stack,
    StateKey,
)
from bot.domain.plan import Lock, PlanRecord
from bot.ports import Artifact, Delivery, Remote, StateVersion, TimelineEntry


class SqlReader(
    OutlineQueries,
    SqlUpkeepReader,
    ReleaseQueries,
    RevertQueries,
    CoordinationQueries,
    EnvironmentQueueQueries,
    ForkQueries,
    LogChunkQueries,
    RunListQueries,
    RunAuditQueries,
    SqlReconciliationReader,
    RescueQueries,
    RestoreQueries,
    PusherQueries,
    ParityQueries,
    RepositoryQueries,
):
    """Reads inside one transaction of `connection`."""

    async def delivery(self, id: DeliveryId) -> Delivery | None:
        """Return a delivery with its payload."""
        row = await self._first(sa.select(tables.deliveries).where(tables.deliveries.c.id == id))
        return None if row is None else rows.to_delivery(row)

    async def run(self, id: RunId) -> Run | None:
        """Return a run as it is now."""
        row = await self._first(sa.select(tables.runs).where(tables.runs.c.id == id))
        return None if row is None else rows.to_run(row)

    async def runs(
        self,
        *,
        repo: str | None = None,
        pull: int | None = None,
        state_key: StateKey | None = None,
        kinds: Sequence[RunKind] = (),
        statuses: Sequence[RunStatus] = (),
        limit: int = 100,
    ) -> Sequence[Run]:
        """Return runs, newest first; empty filters mean any."""
        columns = tables.runs.c
        query = sa.select(tables.runs).order_by(columns.sequence.desc()).limit(limit)
        if repo is not None:
            query = query.where(columns.repo == repo)
        if pull is not None:
            query = query.where(columns.pull == pull)
        if state_key is not None:
            query = query.where(columns.state_key == state_key)
        if kinds:
            query = query.where(columns.kind.in_(kinds))
        if statuses:
            query = query.where(columns.status.in_(statuses))
        return [rows.to_run(row) for row in await self._all(query)]

    async def timeline(self, run_id: RunId) -> Sequence[TimelineEntry]:
        """Return the transitions of a run, oldest first."""
        table = tables.run_timeline
        query = sa.select(table).where(table.c.run_id == run_id).order_by(table.c.sequence)
        return [rows.to_timeline_entry(row) for row in await self._all(query)]

    async def plan(self, id: PlanId) -> PlanRecord | None:
        """Return a plan as it is now."""
        row = await self._first(sa.select(tables.plans).where(tables.plans.c.id == id))
        return None if row is None else rows.to_plan(row)

    async def plans(
        self,
        *,
        repo: str,
        pull: int | None = None,
        stack: Stack | None = None,
        statuses: Sequence[PlanStatus] = (),
        limit: int = 100,
    ) -> Sequence[PlanRecord]:
        """Return plans, newest first (`stack` compares repo, project and env)."""
        query = plans_query(
            tables.plans.columns, repo=repo, pull=pull, stack=stack, statuses=statuses, limit=limit
        )
        return [rows.to_plan(row) for row in await self._all(query)]

    async def lock(self, stack: Stack) -> Lock | None:
        """Return the lock of the stack's state key."""
        row = await self._first(sa.select(tables.locks).where(tables.locks.c.state_key == stack.state_key))
        return None if row is None else rows.to_lock(row)

    async def locks(self, *, repo: str, pull: int | None = None) -> Sequence[Lock]:
        """Return the locks of a repository, or of one of its pull requests, oldest first."""
        columns = tables.locks.c
        query = sa.select(tables.locks).where(columns.repo == repo).order_by(columns.since, columns.state_key)
        if pull is not None:
            query = query.where(columns.pull == pull)
        return [rows.to_lock(row) for row in await self._all(query)]

    async def remote_id(self, repo: str, key: str) -> int | None:
        """Return the id GitHub gave something we created (a comment, a check, a deployment)."""
        found = await self.remote(repo, key)
        return None if found is None else found.id

    async def remote(self, repo: str, key: str) -> Remote | None:
        """Return what is known of something we created on GitHub."""
        columns = tables.remote_ids.c
        query = sa.select(tables.remote_ids).where(columns.repo == repo, columns.key == key)
        row = await self._first(query)
        if row is None:
            return None
        return Remote(id=int(row["remote_id"]), node_id=row["node_id"])

    async def last_applied(self, state_key: StateKey) -> StateVersion | None:
        """Return the snapshot after the last apply that succeeded."""
        table, runs = tables.state_versions, tables.runs
        query = (
            sa.select(table)
            .join(runs, runs.c.id == table.c.run_id)
            .where(
                table.c.state_key == state_key,
                table.c.moment == "after",
                runs.c.status == RunStatus.SUCCEEDED,
                runs.c.kind.not_in((RunKind.DESTROY, RunKind.RESTORE)),
            )
            .order_by(table.c.sequence.desc())
            .limit(1)
        )
        row = await self._first(query)
        return None if row is None else rows.to_state_version(row)

    async def state_versions(self, state_key: StateKey, *, limit: int = 50) -> Sequence[StateVersion]:
        """Return snapshots of a state, newest first."""
        table = tables.state_versions
        query = sa.select(table).where(table.c.state_key == state_key)
        query = query.order_by(table.c.sequence.desc()).limit(limit)
        return [rows.to_state_version(row) for row in await self._all(query)]

    async def artifacts(self, run_id: RunId) -> Sequence[Artifact]:
        """Return the artifacts of a run by name."""
        table = tables.artifacts
        query = sa.select(table).where(table.c.run_id == run_id).order_by(table.c.name)
        return [rows.to_artifact(row) for row in await self._all(query)]

"""All queries of a reading transaction."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.database.ended_runs import EndedRuns
from bot.adapters.database.queries import rows
from bot.adapters.database.queries.check_runs import CheckRunQueries
from bot.adapters.database.queries.coordination import CoordinationQueries
from bot.adapters.database.queries.environment_queue import EnvironmentQueueQueries
from bot.adapters.database.queries.errored_states import ErroredStateQueries
from bot.adapters.database.queries.forks import ForkQueries
from bot.adapters.database.queries.live_log import LogChunkQueries
from bot.adapters.database.queries.measures import MeasureQueries
from bot.adapters.database.queries.outlines import OutlineQueries, plans_query
from bot.adapters.database.queries.parities import ParityQueries
from bot.adapters.database.queries.pull_heads import PullHeadQueries
from bot.adapters.database.queries.pushers import PusherQueries
from bot.adapters.database.queries.reconciliation import SqlReconciliationReader
from bot.adapters.database.queries.record_pages import PolicyQueries, RunListQueries
from bot.adapters.database.queries.releases import ReleaseQueries
from bot.adapters.database.queries.repositories import RepositoryQueries
from bot.adapters.database.queries.restores import RestoreQueries
from bot.adapters.database.queries.reverts import RevertQueries
from bot.adapters.database.queries.run_audit import RunAuditQueries
from bot.adapters.database.queries.upkeep import SqlUpkeepReader
from bot.adapters.database.tables import core
from bot.domain.core.model import (
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
from bot.domain.core.run_kinds import STATE_CHANGES_WITHOUT_RELEASE
from bot.domain.plans.plan import Lock, PlanRecord
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
    MeasureQueries,
    SqlReconciliationReader,
    ErroredStateQueries,
    RestoreQueries,
    PusherQueries,
    PullHeadQueries,
    CheckRunQueries,
    ParityQueries,
    PolicyQueries,
    RepositoryQueries,
):
    """Reads inside one transaction of `connection`."""

    def __init__(self, connection: AsyncConnection, ended: EndedRuns | None = None) -> None:
        super().__init__(connection)
        self._ended = ended

    async def delivery(self, id: DeliveryId) -> Delivery | None:
        """Return a delivery with its payload."""
        row = await self._row(core.deliveries, id=id)
        return None if row is None else rows.to_delivery(row)

    async def run(self, id: RunId) -> Run | None:
        """Return the current record of a run."""
        # What ended before this transaction sees the database is the same in it.
        if self._ended is not None and not self._connection.in_transaction():
            known = self._ended.get(id)
            if known is not None:
                return known
        row = await self._row(core.runs, id=id)
        run = None if row is None else rows.to_run(row)
        if self._ended is not None and run is not None:
            self._ended.add(run)
        return run

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
        columns = core.runs.c
        query = sa.select(core.runs).order_by(columns.sequence.desc()).limit(limit)
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
        table = core.run_timeline
        query = sa.select(table).where(table.c.run_id == run_id).order_by(table.c.sequence)
        return [rows.to_timeline_entry(row) for row in await self._all(query)]

    async def plan(self, id: PlanId) -> PlanRecord | None:
        """Return the current record of a plan."""
        row = await self._row(core.plans, id=id)
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
        """Return plans, newest first; `stack` compares repository, project and environment."""
        query = plans_query(
            core.plans.columns, repo=repo, pull=pull, stack=stack, statuses=statuses, limit=limit
        )
        return [rows.to_plan(row) for row in await self._all(query)]

    async def lock(self, stack: Stack) -> Lock | None:
        """Return the lock of the stack's state key."""
        row = await self._row(core.locks, state_key=stack.state_key)
        return None if row is None else rows.to_lock(row)

    async def locks(self, *, repo: str, pull: int | None = None) -> Sequence[Lock]:
        """Return the locks of a repository, or of one of its pull requests, oldest first."""
        columns = core.locks.c
        query = sa.select(core.locks).where(columns.repo == repo).order_by(columns.since, columns.state_key)
        if pull is not None:
            query = query.where(columns.pull == pull)
        return [rows.to_lock(row) for row in await self._all(query)]

    async def remote_id(self, repo: str, key: str) -> int | None:
        """Return GitHub's id of a comment, check or deployment that Gatewright created."""
        found = await self.remote(repo, key)
        return None if found is None else found.id

    async def remote(self, repo: str, key: str) -> Remote | None:
        """Return GitHub's ids of something that Gatewright created."""
        row = await self._row(core.remote_ids, repo=repo, key=key)
        if row is None:
            return None
        return Remote(id=int(row["remote_id"]), node_id=row["node_id"])

    async def last_applied(self, state_key: StateKey) -> StateVersion | None:
        """Return the snapshot after the last successful apply."""
        table, runs = core.state_versions, core.runs
        query = (
            sa.select(table)
            .join(runs, runs.c.id == table.c.run_id)
            .where(
                table.c.state_key == state_key,
                # After a destroy nothing is applied, and Gatewright, not Terraform, writes a restored state.
                table.c.moment == "after",
                runs.c.status == RunStatus.SUCCEEDED,
                runs.c.kind.not_in(STATE_CHANGES_WITHOUT_RELEASE),
            )
            .order_by(table.c.sequence.desc())
            .limit(1)
        )
        row = await self._first(query)
        return None if row is None else rows.to_state_version(row)

    async def state_versions(self, state_key: StateKey, *, limit: int = 50) -> Sequence[StateVersion]:
        """Return snapshots of a state, newest first."""
        table = core.state_versions
        query = sa.select(table).where(table.c.state_key == state_key)
        query = query.order_by(table.c.sequence.desc()).limit(limit)
        return [rows.to_state_version(row) for row in await self._all(query)]

    async def artifacts(self, run_id: RunId) -> Sequence[Artifact]:
        """Return the artifacts of a run by name."""
        table = core.artifacts
        query = sa.select(table).where(table.c.run_id == run_id).order_by(table.c.name)
        return [rows.to_artifact(row) for row in await self._all(query)]

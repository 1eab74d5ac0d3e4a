"""Queries and statements for pruning old objects; rows of the audit are kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from bot.adapters.database.connection.transaction import Transaction
from bot.adapters.database.tables import core, releases
from bot.adapters.database.tables.upkeep import duties, pruned
from bot.domain.core.model import PlanId, PlanStatus, RunId
from bot.domain.core.run_lifecycle import TERMINAL
from bot.ports.records.upkeep import OldPlan, Pruned

_AT_WORK: Final = timedelta(minutes=1)
"""How long a duty that another process has begun is assumed to be in progress."""
_OVER: Final = (PlanStatus.STALE, PlanStatus.CANCELED, PlanStatus.FAILED)
"""Statuses of plans that can never be applied."""
_BEGUN: Final = (PlanStatus.APPLYING, PlanStatus.APPLIED, PlanStatus.FAILED)
_DONE: Final = (PlanStatus.APPLIED, PlanStatus.NO_CHANGES)
"""Statuses of plans that are not needed once their release, with the source, is recorded."""


class SqlUpkeepReader(Transaction):
    """Finds logs and plans to prune."""

    async def old_logs(self, before: datetime, *, limit: int) -> Sequence[RunId]:
        """Return runs that ended before then and whose logs are still stored."""
        runs = core.runs.c
        query = (
            sa.select(runs.id)
            .where(runs.finished_at < before, ~_is_pruned(Pruned.LOG, runs.id))
            .order_by(runs.sequence)
            .limit(limit)
        )
        return [RunId(row["id"]) for row in await self._all(query)]

    async def old_plans(self, before: datetime, *, limit: int) -> Sequence[OldPlan]:
        """Return plans that became useless before then and whose files are still stored."""
        plans = core.plans.c
        expired = sa.and_(plans.status == PlanStatus.PLANNED, plans.expires_at < before)
        released = sa.and_(
            plans.status.in_(_DONE), sa.exists().where(releases.releases.c.plan_id == plans.id)
        )
        query = (
            sa.select(plans.id, plans.bundle_key)
            .where(
                plans.created_at < before,
                sa.or_(plans.status.in_(_OVER), expired, released),
                ~_is_at_work(plans.id),
                ~_is_last_begun(),
                ~_is_held(),
                ~_is_pruned(Pruned.PLAN, plans.id),
            )
            .order_by(plans.sequence)
            .limit(limit)
        )
        return [OldPlan(id=PlanId(row["id"]), bundle_key=row["bundle_key"]) for row in await self._all(query)]


class SqlUpkeepWriter(Transaction):
    """Writes inside one transaction."""

    async def take_turn(self, duty: str, *, at: datetime, every: timedelta, by: str | None = None) -> bool:
        """Reserve a duty for the caller; returns whether it succeeded.

        `every` is the time between two turns. A turn that was abandoned is passed on earlier.
        """
        # One atomic statement, so that two workers never both get the turn.
        table = duties
        values = {"begun_at": at, "begun_by": by, "ended_at": at if by is None else None}
        turn = self._insert(table, {"duty": duty, **values}).on_conflict_do_update(
            index_elements=["duty"],
            set_=values,
            where=sa.or_(table.c.begun_at <= at - every, self._is_abandoned(at, by)),
        )
        return await self._first(turn.returning(table.c.duty)) is not None

    def _is_abandoned(self, at: datetime, by: str | None) -> sa.ColumnElement[bool]:
        """Whether the process that began a duty cannot be working on it any more."""
        table = duties.c
        # A SQLite database is used by one process at a time, so any other process has ended.
        alone = self._connection.dialect.name == "sqlite"
        others = table.begun_by.is_not(None) if alone else table.begun_at <= at - _AT_WORK
        # Older versions recorded the beginning of a duty only.
        unended = sa.or_(table.ended_at.is_(None), table.ended_at < table.begun_at)
        return sa.and_(table.begun_by.is_not(None), unended, sa.or_(table.begun_by == by, others))

    async def end_turn(self, duty: str, *, at: datetime, by: str) -> None:
        """Record that the caller has finished a duty."""
        table = duties
        await self._connection.execute(
            sa.update(table).where(table.c.duty == duty, table.c.begun_by == by).values(ended_at=at)
        )

    async def mark_pruned(self, what: Pruned, ids: Sequence[str], at: datetime) -> None:
        """Record that these objects were deleted; known ones do not change."""
        for each in ids:
            statement = self._insert(pruned, {"what": what, "id": each, "pruned_at": at})
            await self._connection.execute(statement.on_conflict_do_nothing())

    async def clear_payloads(self, before: datetime, *, limit: int) -> int:
        """Empty the bodies of handled deliveries from before then; returns how many had one."""
        table = core.deliveries
        old = (
            sa.select(table.c.sequence)
            .where(
                table.c.outcome.is_not(None),
                table.c.received_at < before,
                sa.func.length(table.c.payload) > 0,
            )
            .order_by(table.c.sequence)
            .limit(limit)
        )
        # The row itself is part of the audit, and its GUID prevents that the delivery is handled again.
        statement = sa.update(table).where(table.c.sequence.in_(old)).values(payload=b"")
        return (await self._connection.execute(statement)).rowcount


def _is_pruned(what: Pruned, id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    gone = pruned.c
    return sa.exists().where(gone.what == what, gone.id == id)


def _is_last_begun() -> sa.ColumnElement[bool]:
    """Whether this plan was the last one of its state whose apply began."""
    # A destroy, even much later, runs in the working directory of the last applied plan.
    plans, newer = core.plans, core.plans.alias("newer")
    follows = sa.exists().where(
        newer.c.state_key == plans.c.state_key,
        newer.c.sequence > plans.c.sequence,
        newer.c.status.in_(_BEGUN),
    )
    return sa.and_(plans.c.status.in_(_BEGUN), ~follows)


def _is_held() -> sa.ColumnElement[bool]:
    """Whether the plan's pull request has locked the plan's state."""
    # Closing that pull request may destroy what its last plan created, for which the plan's files are needed.
    plans, locks = core.plans.c, core.locks.c
    return sa.exists().where(locks.state_key == plans.state_key, locks.pull == plans.pull)


def _is_at_work(id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    runs = core.runs.c
    return sa.exists().where(runs.plan_id == id, runs.status.not_in(TERMINAL))

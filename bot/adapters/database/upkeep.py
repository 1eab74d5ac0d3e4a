"""Queries and statements of upkeep. Rows of the audit stay; only what they point to goes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from bot.adapters.database import release_tables, tables
from bot.adapters.database.transaction import Transaction
from bot.domain.lifecycle import TERMINAL
from bot.domain.model import PlanId, PlanStatus, RunId
from bot.ports.upkeep import OldPlan, Pruned

_OVER: Final = (PlanStatus.STALE, PlanStatus.CANCELED, PlanStatus.FAILED)
"""Plans that are refused for good."""
_BEGUN: Final = (PlanStatus.APPLYING, PlanStatus.APPLIED, PlanStatus.FAILED)
_DONE: Final = (PlanStatus.APPLIED, PlanStatus.NO_CHANGES)
"""Plans that are done with once their release is recorded, which keeps its source apart."""


class SqlUpkeepReader(Transaction):
    """Old things of one transaction."""

    async def old_logs(self, before: datetime, *, limit: int) -> Sequence[RunId]:
        """Return runs that ended before then, whose logs are still kept."""
        runs = tables.runs.c
        query = (
            sa.select(runs.id)
            .where(runs.finished_at < before, ~_is_pruned(Pruned.LOG, runs.id))
            .order_by(runs.sequence)
            .limit(limit)
        )
        return [RunId(row["id"]) for row in await self._all(query)]

    async def old_plans(self, before: datetime, *, limit: int) -> Sequence[OldPlan]:
        """Return plans that became useless before then, whose files are still kept."""
        plans = tables.plans.c
        expired = sa.and_(plans.status == PlanStatus.PLANNED, plans.expires_at < before)
        released = sa.and_(
            plans.status.in_(_DONE), sa.exists().where(release_tables.releases.c.plan_id == plans.id)
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
    """Statements of one writing transaction."""

    async def take_turn(self, duty: str, *, at: datetime, every: timedelta) -> bool:
        """Whether the duty is the caller's now: one atomic statement, so that two workers never both hear yes."""
        table = tables.duties
        statement = self._insert(table, {"duty": duty, "begun_at": at})
        turn = statement.on_conflict_do_update(
            index_elements=["duty"], set_={"begun_at": at}, where=table.c.begun_at <= at - every
        )
        return await self._first(turn.returning(table.c.duty)) is not None

    async def mark_pruned(self, what: Pruned, ids: Sequence[str], at: datetime) -> None:
        """Record that the objects of these are gone; known ones stay as they are."""
        for each in ids:
            statement = self._insert(tables.pruned, {"what": what, "id": each, "pruned_at": at})
            await self._connection.execute(statement.on_conflict_do_nothing())

    async def clear_payloads(self, before: datetime, *, limit: int) -> int:
        """Empty the bodies of handled deliveries that came before then; returns how many had one."""
        table = tables.deliveries
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
        statement = sa.update(table).where(table.c.sequence.in_(old)).values(payload=b"")
        return (await self._connection.execute(statement)).rowcount


def _is_pruned(what: Pruned, id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    gone = tables.pruned.c
    return sa.exists().where(gone.what == what, gone.id == id)


def _is_last_begun() -> sa.ColumnElement[bool]:
    """Whether nothing was applied to the state after this plan: a destroy, even much later, needs its directory."""
    plans, newer = tables.plans, tables.plans.alias("newer")
    follows = sa.exists().where(
        newer.c.state_key == plans.c.state_key,
        newer.c.sequence > plans.c.sequence,
        newer.c.status.in_(_BEGUN),
    )
    return sa.and_(plans.c.status.in_(_BEGUN), ~follows)


def _is_held() -> sa.ColumnElement[bool]:
    """Whether the plan's pull request holds its state: closing it may destroy what its last plan made."""
    plans, locks = tables.plans.c, tables.locks.c
    return sa.exists().where(locks.state_key == plans.state_key, locks.pull == plans.pull)


def _is_at_work(id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    runs = tables.runs.c
    return sa.exists().where(runs.plan_id == id, runs.status.not_in(TERMINAL))

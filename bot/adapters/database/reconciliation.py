"""Queries of the reconciler."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from bot.adapters.database import rows, tables
from bot.adapters.database.transaction import Transaction
from bot.domain.model import DeliveryId, RunKind, Sha
from bot.ports import Delivery

_OPENING_AND_CLOSING = ("opened", "reopened", "closed")


class SqlReconciliationReader(Transaction):
    """What is known of deliveries, repositories and heads."""

    async def unknown_deliveries(self, ids: Sequence[DeliveryId]) -> frozenset[DeliveryId]:
        """Return those that never arrived."""
        column = tables.deliveries.c.id
        known = await self._all(sa.select(column).where(column.in_(ids)))
        return frozenset(ids) - {DeliveryId(row["id"]) for row in known}

    async def open_deliveries(self, before: datetime, *, limit: int) -> Sequence[Delivery]:
        """Return deliveries without an outcome that arrived before then, oldest first."""
        table = tables.deliveries
        query = (
            sa.select(table)
            .where(table.c.outcome.is_(None), table.c.received_at < before)
            .order_by(table.c.sequence)
            .limit(limit)
        )
        return [rows.to_delivery(row) for row in await self._all(query)]

    async def open_reports(self, repo: str, events: Sequence[str], *, limit: int) -> Sequence[Delivery]:
        """Return a repository's deliveries of these events without an outcome, oldest first."""
        table = tables.deliveries
        query = (
            sa.select(table)
            .where(table.c.outcome.is_(None), table.c.repo == repo, table.c.event.in_(events))
            .order_by(table.c.sequence)
            .limit(limit)
        )
        return [rows.to_delivery(row) for row in await self._all(query)]

    async def queued_jobs(self, ids: Sequence[str]) -> frozenset[str]:
        """Return those that were ever queued."""
        column = tables.jobs.c.id
        return frozenset(str(row["id"]) for row in await self._all(sa.select(column).where(column.in_(ids))))

    async def planned_heads(self, repo: str) -> frozenset[tuple[int, Sha]]:
        """Return pull request and head of every plan run of a repository."""
        columns = tables.runs.c
        query = (
            sa.select(columns.pull, columns.head_sha)
            .where(columns.repo == repo, columns.kind == RunKind.PLAN, columns.pull.is_not(None))
            .distinct()
        )
        return frozenset((int(row["pull"]), Sha(row["head_sha"])) for row in await self._all(query))

    async def newest_pull_event(self, repo: str, pull: int) -> tuple[DeliveryId, str] | None:
        """Return the newest delivery, with its action, that opened, reopened or closed a pull request."""
        columns = tables.deliveries.c
        query = (
            sa.select(columns.id, columns.action)
            .where(
                columns.repo == repo,
                columns.pull == pull,
                columns.event == "pull_request",
                columns.action.in_(_OPENING_AND_CLOSING),
            )
            .order_by(columns.sequence.desc())
            .limit(1)
        )
        row = await self._first(query)
        return None if row is None else (DeliveryId(row["id"]), str(row["action"]))

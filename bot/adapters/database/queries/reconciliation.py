"""Queries for the reconciliation of deliveries and pull requests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from bot.adapters.database.connection.transaction import Transaction
from bot.adapters.database.queries import rows
from bot.adapters.database.tables import core
from bot.domain.core.model import DeliveryId, RunKind, Sha
from bot.ports import Delivery

_OPENING_AND_CLOSING = ("opened", "reopened", "closed")


class SqlReconciliationReader(Transaction):
    """Reads deliveries, queued jobs and planned heads."""

    async def unknown_deliveries(self, ids: Sequence[DeliveryId]) -> frozenset[DeliveryId]:
        """Return the deliveries among these that never arrived."""
        column = core.deliveries.c.id
        known = await self._all(sa.select(column).where(column.in_(ids)))
        return frozenset(ids) - {DeliveryId(row["id"]) for row in known}

    async def open_deliveries(self, before: datetime, *, limit: int) -> Sequence[Delivery]:
        """Return deliveries without an outcome that arrived before then, oldest first."""
        table = core.deliveries
        query = (
            sa.select(table)
            .where(table.c.outcome.is_(None), table.c.received_at < before)
            .order_by(table.c.sequence)
            .limit(limit)
        )
        return [rows.to_delivery(row) for row in await self._all(query)]

    async def open_reports(self, repo: str, events: Sequence[str], *, limit: int) -> Sequence[Delivery]:
        """Return a repository's deliveries of these events without an outcome, oldest first."""
        table = core.deliveries
        query = (
            sa.select(table)
            .where(table.c.outcome.is_(None), table.c.repo == repo, table.c.event.in_(events))
            .order_by(table.c.sequence)
            .limit(limit)
        )
        return [rows.to_delivery(row) for row in await self._all(query)]

    async def queued_jobs(self, ids: Sequence[str]) -> frozenset[str]:
        """Return the jobs among these that were ever queued."""
        column = core.jobs.c.id
        return frozenset(str(row["id"]) for row in await self._all(sa.select(column).where(column.in_(ids))))

    async def planned_heads(self, repo: str) -> frozenset[tuple[int, Sha, int | None]]:
        """Return (pull request, head, number of the head) of every plan run of a repository.

        The number is None for runs of an older version.
        """
        columns = core.runs.c
        query = (
            sa.select(columns.pull, columns.head_sha, columns.head_number)
            .where(columns.repo == repo, columns.kind == RunKind.PLAN, columns.pull.is_not(None))
            .distinct()
        )
        return frozenset(
            (int(row["pull"]), Sha(row["head_sha"]), row["head_number"]) for row in await self._all(query)
        )

    async def closed_pulls(self, repo: str) -> frozenset[int]:
        """Return the pull requests that were closed and not reopened, according to the deliveries."""
        columns = core.deliveries.c
        # Rows are numbered in the order of arrival, so the highest number is the newest delivery.
        newest = (
            sa.select(sa.func.max(columns.sequence))
            .where(
                columns.repo == repo,
                columns.pull.is_not(None),
                columns.event == "pull_request",
                columns.action.in_(_OPENING_AND_CLOSING),
            )
            .group_by(columns.pull)
        )
        query = sa.select(columns.pull).where(columns.sequence.in_(newest), columns.action == "closed")
        return frozenset(int(row["pull"]) for row in await self._all(query))

    async def newest_pull_event(self, repo: str, pull: int) -> tuple[DeliveryId, str] | None:
        """Return id and action of the newest delivery that opened or closed a pull request."""
        columns = core.deliveries.c
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

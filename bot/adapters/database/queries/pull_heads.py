"""Queries and statements about the numbered heads of pull requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.adapters.database.connection.transaction import Transaction
from bot.adapters.database.tables import core
from bot.adapters.database.tables.types import BigNumber, UtcDateTime
from bot.domain.core.heads import RecordedHead
from bot.domain.core.model import DeliveryId, Sha

pull_heads = sa.Table(
    "pull_heads",
    core.metadata,
    sa.Column("repo", sa.Text, primary_key=True),
    sa.Column("pull", BigNumber, primary_key=True, autoincrement=False),
    sa.Column("number", BigNumber, primary_key=True, autoincrement=False),
    sa.Column("head_sha", sa.Text, nullable=False),
    sa.Column("delivery_id", sa.Text),
    sa.Column("recorded_at", UtcDateTime, nullable=False),
    sa.Column("selected", sa.Boolean),
)


class PullHeadQueries(Transaction):
    """Reads inside one transaction."""

    async def head(self, repo: str, pull: int) -> RecordedHead | None:
        """Return the newest recorded head of a pull request."""
        row = await self._first(_heads(repo, pull).order_by(pull_heads.c.number.desc()).limit(1))
        return None if row is None else _head(row)

    async def heads(self, repo: str, pull: int) -> Sequence[RecordedHead]:
        """Return every recorded head of a pull request, oldest first."""
        return [_head(row) for row in await self._all(_heads(repo, pull).order_by(pull_heads.c.number))]

    async def newest_heads(self, repo: str) -> Mapping[int, RecordedHead]:
        """Return pull request -> its newest recorded head."""
        columns = pull_heads.c
        query = sa.select(pull_heads).where(columns.repo == repo).order_by(columns.pull, columns.number)
        return {int(row["pull"]): _head(row) for row in await self._all(query)}


class PullHeadStatements(PullHeadQueries):
    """Writes inside one transaction."""

    async def record_head(
        self, repo: str, pull: int, sha: Sha, at: datetime, *, delivery: DeliveryId | None = None
    ) -> int:
        """Record the current head; returns its number, which is new if the head has changed."""
        while True:
            last = await self.head(repo, pull)
            if last is not None and last.head_sha == sha:
                return last.number
            number = 1 if last is None else last.number + 1
            values = {"repo": repo, "pull": pull, "number": number, "head_sha": sha}
            statement = self._insert(pull_heads, {**values, "delivery_id": delivery, "recorded_at": at})
            # If another process has recorded a head in between, the number is taken: read the newest head again.
            statement = statement.on_conflict_do_nothing()
            if await self._first(statement.returning(pull_heads.c.number)) is not None:
                return number

    async def report_head(self, repo: str, pull: int, number: int, delivery: DeliveryId) -> None:
        """Record which delivery reported a head; does nothing if one is recorded already."""
        columns = pull_heads.c
        await self._connection.execute(
            sa.update(pull_heads)
            .where(columns.repo == repo, columns.pull == pull, columns.number == number)
            .where(columns.delivery_id.is_(None))
            .values(delivery_id=delivery)
        )


def newest_selected(repo: str, pull: int, head: Sha) -> sa.Select[Any]:
    """Return the query of a head's number and `selected`; no row unless it is the newest head."""
    newest = sa.select(sa.func.max(pull_heads.c.number)).where(
        pull_heads.c.repo == repo, pull_heads.c.pull == pull
    )
    return sa.select(pull_heads.c.number, pull_heads.c.selected).where(
        pull_heads.c.repo == repo,
        pull_heads.c.pull == pull,
        pull_heads.c.head_sha == head,
        pull_heads.c.number == newest.scalar_subquery(),
    )


def _heads(repo: str, pull: int) -> sa.Select[tuple[object, ...]]:
    return sa.select(pull_heads).where(pull_heads.c.repo == repo, pull_heads.c.pull == pull)


def _head(row: sa.RowMapping) -> RecordedHead:
    return RecordedHead(
        number=int(row["number"]),
        head_sha=Sha(row["head_sha"]),
        recorded_at=row["recorded_at"],
        delivery_id=None if row["delivery_id"] is None else DeliveryId(row["delivery_id"]),
    )

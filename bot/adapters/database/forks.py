"""Commits of forks that a maintainer lets run."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from bot.adapters.database import tables
from bot.adapters.database.transaction import Transaction
from bot.adapters.database.types import BigNumber, UtcDateTime
from bot.domain.model import Login, Sha

allowed_commits = sa.Table(
    "allowed_commits",
    tables.metadata,
    sa.Column("repo", sa.Text, primary_key=True),
    sa.Column("pull", BigNumber, primary_key=True, autoincrement=False),
    sa.Column("head_sha", sa.Text, primary_key=True),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
)


class ForkQueries(Transaction):
    """Reads inside one transaction."""

    async def is_allowed(self, repo: str, pull: int, head: Sha) -> bool:
        """Whether this very commit of a fork's pull request may run."""
        columns = allowed_commits.c
        query = sa.select(columns.by).where(
            columns.repo == repo, columns.pull == pull, columns.head_sha == head
        )
        return await self._first(query) is not None


class ForkStatements(Transaction):
    """Writes inside one transaction."""

    async def allow(self, repo: str, pull: int, head: Sha, *, by: Login, at: datetime) -> None:
        """Let one commit run; who allowed it first stays noted."""
        values = {"repo": repo, "pull": pull, "head_sha": head, "by": by, "at": at}
        statement = self._insert(allowed_commits, values)
        await self._connection.execute(statement.on_conflict_do_nothing())

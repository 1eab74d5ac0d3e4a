"""Queries and statements about commits of forks that a maintainer allowed to run."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from bot.adapters.database.connection.transaction import Transaction
from bot.adapters.database.queries.fields import account_values
from bot.adapters.database.tables import core
from bot.adapters.database.tables.types import BigNumber, UtcDateTime
from bot.domain.core.accounts import Account
from bot.domain.core.model import Sha

allowed_commits = sa.Table(
    "allowed_commits",
    core.metadata,
    sa.Column("repo", sa.Text, primary_key=True),
    sa.Column("pull", BigNumber, primary_key=True, autoincrement=False),
    sa.Column("head_sha", sa.Text, primary_key=True),
    *core.account_columns("by"),
    sa.Column("at", UtcDateTime, nullable=False),
)


class ForkQueries(Transaction):
    """Reads inside one transaction."""

    async def is_allowed(self, repo: str, pull: int, head: Sha) -> bool:
        """Whether this commit of a fork's pull request may run."""
        columns = allowed_commits.c
        query = sa.select(columns.by).where(
            columns.repo == repo, columns.pull == pull, columns.head_sha == head
        )
        return await self._first(query) is not None


class ForkStatements(Transaction):
    """Writes inside one transaction."""

    async def allow(self, repo: str, pull: int, head: Sha, *, by: Account, at: datetime) -> None:
        """Allow one commit to run; does nothing if it is allowed already."""
        values = {"repo": repo, "pull": pull, "head_sha": head, "at": at, **account_values("by", by)}
        statement = self._insert(allowed_commits, values)
        await self._connection.execute(statement.on_conflict_do_nothing())

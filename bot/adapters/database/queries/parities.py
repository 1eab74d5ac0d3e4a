"""Queries and statements about the newest comparison of each pair of twins."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from bot.adapters.database.connection.transaction import Transaction
from bot.adapters.database.tables import core
from bot.adapters.database.tables.types import BigNumber, UtcDateTime
from bot.domain.core.model import EnvName, ProjectName, Sha
from bot.domain.environments.parity import Verdict
from bot.ports.records.parity import Comparison

comparisons = sa.Table(
    "comparisons",
    core.metadata,
    sa.Column("repo", sa.Text, primary_key=True),
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("env", sa.Text, primary_key=True),
    sa.Column("twin", sa.Text, primary_key=True),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("differences", BigNumber, nullable=False),
    sa.Column("commit", sa.Text, nullable=False),
    sa.Column("pull", BigNumber),
    sa.Column("compared_at", UtcDateTime, nullable=False),
)
_KEY = ("repo", "project", "env", "twin")


class ParityQueries(Transaction):
    """Reads inside one transaction."""

    async def comparisons(self, repo: str) -> Sequence[Comparison]:
        """Return the newest comparison of each pair of twins in a repository."""
        columns = comparisons.c
        query = sa.select(comparisons).where(columns.repo == repo)
        return [
            Comparison(
                repo=row["repo"],
                project=ProjectName(row["project"]),
                env=EnvName(row["env"]),
                twin=EnvName(row["twin"]),
                verdict=Verdict(row["verdict"]),
                differences=row["differences"],
                commit=Sha(row["commit"]),
                pull=row["pull"],
                compared_at=row["compared_at"],
            )
            for row in await self._all(query.order_by(columns.project, columns.env, columns.twin))
        ]


class ParityStatements(Transaction):
    """Writes inside one transaction."""

    async def note_comparison(self, comparison: Comparison) -> None:
        """Record a comparison; replaces the previous one."""
        values = {column.name: getattr(comparison, column.name) for column in comparisons.columns}
        changed = {name: value for name, value in values.items() if name not in _KEY}
        statement = self._insert(comparisons, values)
        await self._connection.execute(
            statement.on_conflict_do_update(index_elements=list(_KEY), set_=changed)
        )

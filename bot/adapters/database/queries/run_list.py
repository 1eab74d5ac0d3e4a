"""Queries for the list of runs."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from bot.adapters.database.connection.transaction import Transaction
from bot.adapters.database.queries import rows
from bot.adapters.database.tables.core import runs
from bot.domain.core.model import Run
from bot.ports import ActiveRepo, RunFilter


class RunListQueries(Transaction):
    """Implements `RunListReader`."""

    async def find_runs(self, wanted: RunFilter, *, limit: int) -> Sequence[Run]:
        """Return matching runs, newest first."""
        columns = runs.c
        query = sa.select(runs).order_by(columns.sequence.desc()).limit(limit)
        query = query.where(columns.repo.in_(wanted.repos))
        exact = {"pull": wanted.pull, "env": wanted.env, "kind": wanted.kind, "status": wanted.status}
        for name, value in exact.items():
            if value is not None:
                query = query.where(columns[name] == value)
        # GitHub's logins are not case-sensitive.
        if wanted.actor is not None:
            query = query.where(sa.func.lower(columns.actor) == wanted.actor.lower())
        if wanted.before is not None:
            last = sa.select(columns.sequence).where(columns.id == wanted.before).scalar_subquery()
            query = query.where(columns.sequence < last)
        return [rows.to_run(row) for row in await self._all(query)]

    async def active_repos(self, *, limit: int) -> Sequence[ActiveRepo]:
        """Return the repositories that had runs, the most recently active first."""
        # The installation id of the newest run: an App that was reinstalled has a new one.
        newest = sa.func.max(runs.c.sequence).label("newest")
        groups = sa.select(newest).group_by(runs.c.repo).order_by(newest.desc()).limit(limit).subquery()
        query = sa.select(runs.c.repo, runs.c.installation_id).join(
            groups, runs.c.sequence == groups.c.newest
        )
        found = await self._all(query.order_by(runs.c.sequence.desc()))
        return [ActiveRepo(full_name=row["repo"], installation_id=row["installation_id"]) for row in found]

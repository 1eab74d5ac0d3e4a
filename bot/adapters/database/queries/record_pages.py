"""Pages of runs, and of versions of policies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from bot.adapters.database.connection.transaction import Transaction
from bot.adapters.database.queries import rows
from bot.adapters.database.queries.fields import columns_of
from bot.adapters.database.tables.core import IN_FORCE, policy_versions, remote_ids, runs
from bot.domain.core.model import Run
from bot.ports import ActiveRepo, RunFilter
from bot.ports.records.policies import PolicyVersion

_MOST_REPOS: Final = 100
"""Repositories that one query reads each for itself."""
_EXACT: Final = (
    "pull",
    "project",
    "env",
    "kind",
    "status",
    "failure_class",
    "correlation_id",
    "release_candidate_id",
    "has_risk_summary",
)
"""Fields of the filter that are compared with the column of the same name."""


class RunListQueries(Transaction):
    """Implements `RunListReader`."""

    async def find_runs(self, wanted: RunFilter, *, limit: int) -> Sequence[Run]:
        """Return matching runs, newest first."""
        found, newest = _conditions(wanted), runs.c.sequence.desc()
        if wanted.correlation_id is not None or wanted.release_candidate_id is not None:
            # These have few runs each; the concatenation keeps SQLite from reading all runs of the repositories.
            found += [] if wanted.repos is None else [(runs.c.repo + "").in_(wanted.repos)]
        else:
            repos = await self._repos_with_runs() if _is_split(wanted) else wanted.repos
            if repos is not None:
                found = [runs.c.sequence.in_(_newest_of_each(repos, found, limit))]
        query = sa.select(runs).where(*found).order_by(newest).limit(limit)
        return [rows.to_run(row) for row in await self._all(query)]

    async def _repos_with_runs(self) -> Sequence[str] | None:
        """Return the repositories that had runs, None if there are more than `_MOST_REPOS`."""
        # Each step finds the next name in an index; DISTINCT would read every run.
        first = sa.select(sa.func.min(runs.c.repo).label("repo")).cte(recursive=True)
        following = sa.select(sa.func.min(runs.c.repo)).where(runs.c.repo > first.c.repo).scalar_subquery()
        names = first.union_all(sa.select(following).where(first.c.repo.is_not(None)))
        found = await self._all(sa.select(names.c.repo).limit(_MOST_REPOS + 2))
        repos = [str(row["repo"]) for row in found if row["repo"] is not None]
        return None if len(repos) > _MOST_REPOS else repos

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


class PolicyQueries(Transaction):
    """Implements `PolicyReader`."""

    async def policy_in_force(self, repo: str) -> tuple[str, str] | None:
        """Return digest and text of the valid policy that any process read last."""
        found = await self.policy_version(repo, None)
        return None if found is None or found.text is None else (found.digest, found.text)

    async def policy_versions(
        self, repo: str, *, limit: int, before: str | None = None
    ) -> Sequence[PolicyVersion]:
        """Return versions without their texts, newest first, only those recorded before a digest."""
        columns = policy_versions.c
        query = _versions(repo, with_text=False).order_by(columns.sequence.desc()).limit(limit)
        if before is not None:
            last = sa.select(columns.sequence).where(columns.repo == repo, columns.digest == before)
            query = query.where(columns.sequence < last.scalar_subquery())
        return [_to_version(row) for row in await self._all(query)]

    async def policy_version(self, repo: str, digest: str | None) -> PolicyVersion | None:
        """Return a version with its text; None for the one in force."""
        query = _versions(repo, with_text=True)
        query = query.where(
            remote_ids.c.remote_id.is_not(None) if digest is None else policy_versions.c.digest == digest
        )
        row = await self._first(query)
        return None if row is None else _to_version(row)


def _versions(repo: str, *, with_text: bool) -> sa.Select[Any]:
    columns, noted = policy_versions.c, remote_ids.c
    selected = [column for column in columns if with_text or column.name != "text"]
    is_in_force = sa.and_(
        noted.repo == columns.repo, noted.key == IN_FORCE, noted.remote_id == columns.sequence
    )
    return (
        sa.select(*selected, noted.remote_id.is_not(None).label("in_force"))
        .select_from(policy_versions.outerjoin(remote_ids, is_in_force))
        .where(columns.repo == repo)
    )


def _to_version(row: sa.RowMapping) -> PolicyVersion:
    return PolicyVersion(**columns_of(PolicyVersion, row) | {"in_force": bool(row["in_force"])})


def _is_split(wanted: RunFilter) -> bool:
    """Whether all repositories are wanted, and indexes of single ones help to find the runs."""
    return wanted.repos is None and any(getattr(wanted, name) is not None for name in (*_EXACT, "actor"))


def _newest_of_each(
    repos: Sequence[str], conditions: Sequence[sa.ColumnElement[bool]], limit: int
) -> sa.Select[Any]:
    """Return the query of the newest sequence numbers of each repository."""
    # With `repo IN (...)` both databases would sort all runs of these repositories.
    columns = runs.c
    each = [
        sa.select(columns.sequence)
        .where(columns.repo == repo, *conditions)
        .order_by(columns.sequence.desc())
        .limit(limit)
        .subquery()
        for repo in repos
    ]
    if not each:
        return sa.select(columns.sequence).where(sa.false())
    return sa.select(sa.union_all(*(sa.select(found.c.sequence) for found in each)).subquery())


def _conditions(wanted: RunFilter) -> list[sa.ColumnElement[bool]]:
    columns = runs.c
    given = {name: getattr(wanted, name) for name in _EXACT}
    found = [columns[name] == value for name, value in given.items() if value is not None]
    # GitHub's logins are not case-sensitive.
    if wanted.actor is not None:
        found.append(sa.func.lower(columns.actor) == wanted.actor.lower())
    if wanted.since is not None:
        found.append(columns.created_at >= wanted.since)
    if wanted.until is not None:
        found.append(columns.created_at < wanted.until)
    if wanted.before is not None:
        last = sa.select(columns.sequence).where(columns.id == wanted.before).scalar_subquery()
        found.append(columns.sequence < last)
    return found

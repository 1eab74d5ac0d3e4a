"""Looking through the runs of many repositories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.core.model import FailureClass, Run, RunId, RunKind, RunStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Filters of the list of runs; None means any."""

    repos: Sequence[str] | None
    """Full names; runs of other repositories are never returned. None: all repositories, for operators."""
    pull: int | None = None
    project: str | None = None
    env: str | None = None
    kind: RunKind | None = None
    status: RunStatus | None = None
    failure_class: FailureClass | None = None
    actor: str | None = None
    """Compared without regard to case."""
    since: datetime | None = None
    """Earliest time of the request, inclusive."""
    until: datetime | None = None
    """Latest time of the request, exclusive."""
    correlation_id: str | None = None
    release_candidate_id: str | None = None
    has_risk_summary: bool | None = None
    before: RunId | None = None
    """Only runs recorded before this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveRepo:
    """A repository that had runs."""

    full_name: str
    installation_id: int


class RunListReader(Protocol):
    """Pages of runs."""

    async def find_runs(self, wanted: RunFilter, *, limit: int) -> Sequence[Run]:
        """Return runs, newest first."""
        ...

    async def active_repos(self, *, limit: int) -> Sequence[ActiveRepo]:
        """Return the repositories that had runs, the most recently active first."""
        ...

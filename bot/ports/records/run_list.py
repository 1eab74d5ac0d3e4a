"""Looking through the runs of many repositories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.domain.core.model import Run, RunId, RunKind, RunStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Filters of the list of runs; None means any."""

    repos: Sequence[str]
    """Full names; runs of other repositories are never returned."""
    pull: int | None = None
    env: str | None = None
    kind: RunKind | None = None
    status: RunStatus | None = None
    actor: str | None = None
    """Compared without regard to case."""
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

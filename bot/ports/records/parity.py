"""What twins were found to be when they were last compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.core.model import EnvName, ProjectName, Sha
from bot.domain.environments.parity import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The newest comparison of two twins."""

    repo: str
    project: ProjectName
    env: EnvName
    twin: EnvName
    verdict: Verdict
    differences: int
    """Those that the policy does not allow."""
    commit: Sha
    """Of the code that was looked at."""
    pull: int | None
    """The pull request that it belongs to."""
    compared_at: datetime


class ParityReader(Protocol):
    """The part of `Reader` that reads twins."""

    async def comparisons(self, repo: str) -> Sequence[Comparison]:
        """Return the newest comparison of every two twins of a repository."""
        ...


class ParityWriter(Protocol):
    """The part of `Writer` that writes twins."""

    async def note_comparison(self, comparison: Comparison) -> None:
        """Note it in place of the one before."""
        ...

"""The ports for opening a pull request that reverts merged ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.core.model import Repo, Sha


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A pull request as it went into the base."""

    number: int
    head: Sha
    commit: Sha
    """The merge, or the squashed commit."""


class RevertBranches(Protocol):
    """Makes revert commits in the mirror, and pushes them to branches of our own only."""

    async def reverted(self, repo: Repo, tip: Sha, merged: Sequence[Merged], *, at: datetime) -> Sha | None:
        """Return a commit on `tip` that takes the pull requests back, newest first.

        None where nothing is left of them.

        The same arguments give the same commit. MergeConflictError when later changes are in the way, WorkspaceError
        when it is not clear which commits a pull request became.
        """
        ...

    async def push_branch(self, repo: Repo, token: str, branch: str, commit: Sha) -> None:
        """Point a branch below `gatewright/` at a commit.

        WorkspaceError for any other name, or when git refuses.
        """
        ...


class PullOpener(Protocol):
    """The part of GitHub that opens pull requests."""

    async def branch_token(self, repo: Repo) -> str:
        """Return a token that can write this repository's contents, and nothing else."""
        ...

    async def open_pull(self, repo: Repo, *, branch: str, base: str, title: str, body: str) -> int:
        """Open a pull request, or find the open one of this branch; returns its number."""
        ...

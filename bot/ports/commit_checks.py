"""What others report on a commit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bot.domain.core.model import Repo, Sha
from bot.domain.gates import OtherCheck


class CommitChecks(Protocol):
    """Check runs and commit statuses of others."""

    async def other_checks(self, repo: Repo, sha: Sha, branch: str) -> Sequence[OtherCheck]:
        """Return the checks of a commit without the App's own.

        Where `branch` requires some by name, these are returned, missing ones too; else all that were reported.
        """
        ...

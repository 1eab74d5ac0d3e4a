"""What git knows of the commits of a pull request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bot.domain.core.model import Repo, Sha
from bot.domain.gates.pushes import Lineage


class Lineages(Protocol):
    """Read-only questions about a mirror that has been fetched."""

    async def lineage(self, repo: Repo, *, base: Sha, head: Sha, heads: Sequence[Sha]) -> Lineage:
        """Return the commits of `head` and earlier `heads` that `base` lacks.

        Those that only merge the base are marked.

        Earlier heads that the mirror does not have are left out. WorkspaceError when there are too many commits.
        """
        ...

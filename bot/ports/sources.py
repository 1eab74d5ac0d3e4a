"""What can be read of a source bundle without unpacking it, and of the history between two releases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.domain.loose_trees import LooseTree
from bot.domain.model import Repo, Sha


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One line of a log."""

    sha: Sha
    subject: str


class History(Protocol):
    """Read-only questions about sources."""

    async def bundle_texts(self, bundle: bytes, directory: str) -> Mapping[str, str]:
        """Return file name -> text of the files that lie directly in a directory of a bundle.

        Undecodable bytes are replaced; WorkspaceError for a damaged bundle.
        """
        ...

    async def bundle_tree(self, bundle: bytes) -> LooseTree:
        """Return what lies in the tree of a bundle; WorkspaceError for a damaged one."""
        ...

    async def commits(
        self, repo: Repo, *, newer: Sequence[Sha], older: Sequence[Sha]
    ) -> Sequence[Commit] | None:
        """Return the commits that `newer` have and `older` have not, newest first, without merges.

        At most a hundred; None where the mirror does not have all of them.
        """
        ...

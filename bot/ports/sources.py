"""Reading source bundles without unpacking them, and the history between two releases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.domain.core.model import Repo, Sha
from bot.domain.trees.loose_trees import LooseTree


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One line of a log."""

    sha: Sha
    subject: str


class History(Protocol):
    """Read-only questions about sources."""

    async def bundle_texts(self, bundle: bytes, directory: str) -> Mapping[str, str]:
        """Return file name -> text of the files directly in a directory of a bundle.

        Undecodable bytes are replaced; WorkspaceError for a damaged bundle.
        """
        ...

    async def bundle_tree(self, bundle: bytes) -> LooseTree:
        """Return the files in the tree of a bundle; WorkspaceError for a damaged one."""
        ...

    async def commits(
        self, repo: Repo, *, newer: Sequence[Sha], older: Sequence[Sha]
    ) -> Sequence[Commit] | None:
        """Return the commits that `newer` have and `older` have not, newest first, without merges.

        At most a hundred; None where the mirror does not have all of them.
        """
        ...

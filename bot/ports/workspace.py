"""Mirrors of repositories and the directories that Terraform works in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bot.domain.model import (
    Repo,
    Sha,
    Stack,
    StateKey,
)
from bot.ports.rescue import ErroredState


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """The merge of a head into a base, made without touching a work tree."""

    tree: str
    """Git tree id."""
    merge_base: Sha
    changed_files: tuple[str, ...]
    """Paths that the head changes against the merge base, both names of a rename; where there are several merge bases,
    what the merge changes in the base as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeFiles:
    """What a git tree holds."""

    blobs: Mapping[str, str]
    """Path -> blob id, of files, symbolic links and submodules."""
    links: Mapping[str, str]
    """Path of a symbolic link -> what is written in it."""
    submodules: frozenset[str] = frozenset()
    """Paths of submodules, of which git has nothing but the commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A directory of a stack in which Terraform works; it is reused, and held by an exclusive file lock."""

    name: str
    """Stable directory name, recorded with each plan: the plan is applied at the same path."""
    tree: Path
    """The checked-out files; in the sandbox it is mounted at `/work`."""
    data_dir: Path
    """TF_DATA_DIR, outside the tree."""
    scratch: Path
    """Plan file, logs and credentials files of the run in work; emptied when the slot is released."""
    lock_fd: int
    """Descriptor of the slot's lock; a child that inherits it keeps the slot held after a crash."""


class Workspace(Protocol):
    """Mirrors of repositories and the slots their trees are checked out in."""

    async def fetch(self, repo: Repo, token: str, refs: Sequence[str]) -> None:
        """Bring the bare mirror up to date with `refs` (full ref names or commit ids)."""
        ...

    async def merge(self, repo: Repo, *, base: Sha, head: Sha) -> Merge:
        """Merge head into base in the mirror; MergeConflictError names the paths."""
        ...

    async def tree_files(self, repo: Repo, tree: str) -> TreeFiles:
        """Return what a tree or commit holds."""
        ...

    async def read_file(self, repo: Repo, tree: str, path: str) -> str | None:
        """Return the text of one file of a tree or commit, None when it is not there."""
        ...

    async def read_blobs(self, repo: Repo, blobs: Sequence[str]) -> Mapping[str, str]:
        """Return blob id -> text for many blobs at once (undecodable bytes replaced)."""
        ...

    async def small_blobs(self, repo: Repo, blobs: Sequence[str], *, largest: int) -> Mapping[str, bytes]:
        """Return blob id -> content of those that have at most `largest` bytes."""
        ...

    def slot(self, stack: Stack, *, name: str | None = None) -> AbstractAsyncContextManager[Slot]:
        """Hold a slot: any free one of the stack, or the named one (waits while somebody works in it)."""
        ...

    async def checkout(self, repo: Repo, slot: Slot, tree: str) -> None:
        """Make the slot's tree exactly the git tree; raises UnsafeTreeError as DESIGN's rules say."""
        ...

    async def pack(self, slot: Slot) -> bytes:
        """Return the slot's tree and data directory (without provider binaries) as a compressed archive."""
        ...

    async def pack_source(self, slot: Slot) -> bytes:
        """Return the slot's tree alone: what a release is made of. `unpack` restores it in any slot."""
        ...

    async def unpack(self, slot: Slot, bundle: bytes) -> None:
        """Make the slot what `pack` saw."""
        ...

    async def errored_states(self, stack: Stack) -> Sequence[ErroredState]:
        """Return the states of a stack that Terraform could not save on this machine, recovered or not.

        Their slots are set aside: nothing works in them any more, and nothing deletes them.
        """
        ...

    def state_lock(self, key: StateKey, *, exclusive: bool) -> AbstractAsyncContextManager[int]:
        """Hold this machine's file lock of a state key: shared for plans, exclusive for changes.

        Yields the descriptor. A Terraform process that inherits it keeps it after the bot has died.
        """
        ...

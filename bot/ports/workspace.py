"""Mirrors of repositories and the directories that Terraform works in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bot.domain.core.model import (
    Repo,
    Sha,
    Stack,
    StateKey,
)
from bot.ports.records.errored_states import ErroredState


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """The merge of a head into a base, made without touching a work tree."""

    tree: str
    """Git tree id."""
    merge_base: Sha
    changed_files: tuple[str, ...]
    """Paths that the head changes against the merge base, both names of a rename.

    With several merge bases, also the changes of the merge against the base.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeFiles:
    """The files of a git tree."""

    blobs: Mapping[str, str]
    """Path -> blob id, of files, symbolic links and submodules."""
    links: Mapping[str, str]
    """Path of a symbolic link -> its text."""
    submodules: frozenset[str] = frozenset()
    """Paths of submodules, of which git has nothing but the commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A directory of a stack in which Terraform works.

    It is reused, and held by an exclusive file lock.
    """

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


@dataclass(frozen=True, slots=True, kw_only=True)
class GitTree:
    """A reviewed tree that is read from git's objects."""

    repo: Repo
    tree: str
    """Git tree id."""
    paths: frozenset[str] | None = None
    """The paths to lay out; None for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceBundle:
    """A reviewed tree as it was stored with a plan or a release."""

    data: bytes = field(repr=False)


ReviewedTree = GitTree | SourceBundle


@dataclass(frozen=True, slots=True, kw_only=True)
class LaidFile:
    """One file of a tree as it was written to a slot."""

    content: str
    """Hash algorithm and digest: `sha256:…` of the bytes, or `git:…`, a blob id."""
    status: tuple[int, ...]
    """Inode, size, mode, modification and change time; nothing in a sandbox can set the last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaidOut:
    """The files written to a slot; `left_behind` compares with them."""

    files: Mapping[str, LaidFile] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftBehind:
    """What code added to the reviewed tree while it was planned."""

    added: tuple[str, ...] = ()
    """Paths of files, sorted."""
    bundle: bytes | None = field(default=None, repr=False)
    """These files, packed; None where there are none."""


class Workspace(Protocol):
    """Mirrors of repositories and the slots their trees are checked out in."""

    async def fetch(self, repo: Repo, token: str, refs: Sequence[str]) -> None:
        """Bring the bare mirror up to date with `refs` (full ref names or commit ids)."""
        ...

    async def merge(self, repo: Repo, *, base: Sha, head: Sha) -> Merge:
        """Merge head into base in the mirror; MergeConflictError names the paths."""
        ...

    async def contains(self, repo: Repo, *, tip: Sha, commit: Sha) -> bool:
        """Whether the mirror knows a commit as a part of a tip's history."""
        ...

    async def tree_files(self, repo: Repo, tree: str) -> TreeFiles:
        """Return the files of a tree or commit."""
        ...

    async def read_file(self, repo: Repo, tree: str, path: str) -> str | None:
        """Return the text of one file of a tree or commit, None when it is not there."""
        ...

    async def read_blobs(self, repo: Repo, blobs: Sequence[str]) -> Mapping[str, str]:
        """Return blob id -> text of many blobs in one call (undecodable bytes replaced)."""
        ...

    async def small_blobs(self, repo: Repo, blobs: Sequence[str], *, largest: int) -> Mapping[str, bytes]:
        """Return blob id -> content of those that have at most `largest` bytes."""
        ...

    def slot(self, stack: Stack, *, name: str | None = None) -> AbstractAsyncContextManager[Slot]:
        """Hold a free slot of the stack, or wait for the named one."""
        ...

    async def lay_out(self, slot: Slot, reviewed: ReviewedTree) -> LaidOut:
        """Make the slot's tree exactly the reviewed tree.

        Raises UnsafeTreeError before anything is written, WorkspaceError for a damaged bundle.
        """
        ...

    async def pack(self, reviewed: ReviewedTree, *, extra: Mapping[str, str]) -> bytes:
        """Return a reviewed tree as a deterministic archive, made from git's objects.

        `extra` is path -> text of files that belong to it, such as the lock file that `init` wrote.
        """
        ...

    async def left_behind(self, slot: Slot, laid: LaidOut, *, ours: Mapping[str, str | None]) -> LeftBehind:
        """Return the files that were added to a slot's tree since it was laid out.

        `ours` is path -> text of files that the bot or `init` wrote there, None where the text does not
        matter. Raises TreeChangedError if reviewed content was changed, or an added name is not accepted.
        """
        ...

    async def add(self, slot: Slot, bundle: bytes) -> None:
        """Write the added files of a plan into the slot's tree. Raises WorkspaceError."""
        ...

    async def reset_tree(self, slot: Slot) -> None:
        """Empty the slot, the data directory too, so that nothing of what ran in it is left."""
        ...

    async def errored_states(self, stack: Stack) -> Sequence[ErroredState]:
        """Return the errored states of a stack on this machine, recovered or not.

        Their slots are set aside: nothing works in them any more, and nothing deletes them.
        """
        ...

    def state_lock(self, key: StateKey, *, exclusive: bool) -> AbstractAsyncContextManager[int]:
        """Hold this machine's file lock of a state key: shared for plans, exclusive for changes.

        Yields the descriptor. A Terraform process that inherits it keeps it after the bot has died.
        """
        ...

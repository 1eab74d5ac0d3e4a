"""The Workspace port with real git and real directories, all below one data directory."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from pathlib import Path
from stat import S_IFREG
from typing import TypeVar

from bot.adapters.workspace import bundle as bundles
from bot.adapters.workspace import history, lineages
from bot.adapters.workspace.checkout import ReducedTrees, check_out, index_file, packed, reset_tree
from bot.adapters.workspace.cleaning import empty
from bot.adapters.workspace.git import Git, GitError
from bot.adapters.workspace.known_objects import KnownObjects
from bot.adapters.workspace.left_behind import compare, observed
from bot.adapters.workspace.locks import fair_lock
from bot.adapters.workspace.mirror import Mirrors
from bot.adapters.workspace.names import stack_directory
from bot.adapters.workspace.rescue import errored_states
from bot.adapters.workspace.revert_branches import BranchPusher, RevertCommits
from bot.adapters.workspace.slots import Slots
from bot.adapters.workspace.trees import (
    LARGEST_TEXT,
    SUBMODULE,
    SYMLINK,
    TreeEntry,
    TreeReader,
    is_damage,
    shown,
)
from bot.domain.core.errors import WorkspaceError
from bot.domain.core.model import Repo, Sha, Stack, StateKey
from bot.domain.gates.pushes import Lineage
from bot.domain.trees.loose_trees import LooseTree
from bot.ports import Clock, Merge, Slot
from bot.ports.records.errored_states import ErroredState
from bot.ports.revert_pulls import Merged
from bot.ports.sources import Commit
from bot.ports.workspace import GitTree, LaidOut, LeftBehind, ReviewedTree, SourceBundle, TreeFiles

_T = TypeVar("_T")
_LONGEST_LINK = 10_000
"""Bytes of the longest symbolic link that is followed; no file system takes one so long."""


class GitWorkspace:
    """Mirrors, slots and file locks of this machine; several processes may share the directory.

    `github_url` is where repositories are cloned from (`https://github.com`); `fetch_timeout` is in seconds.
    `allow_file_origin` permits `file://` origins, which only tests have.
    """

    def __init__(
        self,
        *,
        data_dir: Path,
        github_url: str,
        clock: Clock,
        slots_per_stack: int = 16,
        fetch_timeout: float = 600,
        allow_file_origin: bool = False,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        home = data_dir / "git-home"
        for directory in (home, data_dir / "mirrors", data_dir / "locks", data_dir / "work"):
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._git = Git(home=home, allow_file_origin=allow_file_origin)
        self._known: KnownObjects[TreeEntry] = KnownObjects()
        self._reduced = ReducedTrees()
        self._clock = clock
        self._locks = data_dir / "locks"
        self._mirrors = Mirrors(
            root=data_dir / "mirrors",
            trash=data_dir / "trash",
            origin=github_url.rstrip("/"),
            git=self._git,
            clock=clock,
            sleep=sleep,
            fetch_timeout=fetch_timeout,
            queues={},
        )
        self._slots = Slots(
            root=data_dir / "work",
            errored=data_dir / "errored",
            trash=data_dir / "trash",
            clock=clock,
            most_per_stack=slots_per_stack,
        )

    async def fetch(self, repo: Repo, token: str, refs: Sequence[str]) -> None:
        """Bring the mirror up to date with full ref names and commit ids; raises WorkspaceError."""
        await self._mirrors.fetch(repo, token, refs)

    async def merge(self, repo: Repo, *, base: Sha, head: Sha) -> Merge:
        """Merge head into base in the mirror; MergeConflictError names the paths."""
        return await self._reading(repo, lambda reader: reader.merge(base=base, head=head))

    async def contains(self, repo: Repo, *, tip: Sha, commit: Sha) -> bool:
        """Whether the mirror knows a commit as a part of a tip's history."""
        return await self._reading(repo, lambda reader: reader.contains(tip=tip, commit=commit))

    async def tree_files(self, repo: Repo, tree: str) -> TreeFiles:
        """Return path -> blob id of every file of a tree, and the text of its symbolic links."""
        entries = await self._reading(repo, lambda reader: reader.entries(tree))
        links = {shown(entry.path): entry.blob for entry in entries if entry.mode == SYMLINK}
        ids = sorted(set(links.values()))
        texts = (
            await self._reading(repo, lambda reader: reader.blobs(ids, largest=_LONGEST_LINK)) if ids else {}
        )
        return TreeFiles(
            blobs={shown(entry.path): entry.blob for entry in entries},
            links={path: shown(os.fsdecode(texts[blob])) for path, blob in links.items() if blob in texts},
            submodules=frozenset(shown(entry.path) for entry in entries if entry.mode == SUBMODULE),
        )

    async def read_file(self, repo: Repo, tree: str, path: str) -> str | None:
        """Return a text file of a tree or commit; None when it is not there or not a regular file."""
        return await self._reading(repo, lambda reader: reader.text(tree, path))

    async def read_blobs(self, repo: Repo, blobs: Sequence[str]) -> Mapping[str, str]:
        """Return blob id -> text for many blobs.

        WorkspaceError when one is missing or too large to be read.
        """
        found = await self._reading(repo, lambda reader: reader.blobs(blobs, largest=LARGEST_TEXT))
        if unread := [blob for blob in blobs if blob not in found]:
            raise WorkspaceError(
                f"reading files of {repo.full_name}: {unread[0][:12]} is missing or larger than {LARGEST_TEXT} bytes"
            )
        return {blob: content.decode("utf-8", "replace") for blob, content in found.items()}

    async def small_blobs(self, repo: Repo, blobs: Sequence[str], *, largest: int) -> Mapping[str, bytes]:
        """Return blob id -> content of those that have at most `largest` bytes.

        Missing ones are left out as well.
        """
        return await self._reading(repo, lambda reader: reader.blobs(blobs, largest=largest))

    def slot(self, stack: Stack, *, name: str | None = None) -> AbstractAsyncContextManager[Slot]:
        """Hold a free slot of the stack, or wait for the named one."""
        return self._slots.hold(stack, name)

    async def lay_out(self, slot: Slot, reviewed: ReviewedTree) -> LaidOut:
        """Make the slot's tree exactly the reviewed tree.

        UnsafeTreeError before anything is written.
        """
        await asyncio.to_thread(_distrust, slot)
        if isinstance(reviewed, GitTree):
            return await self._reading(
                reviewed.repo, lambda reader: check_out(reader, self._reduced, slot, reviewed)
            )
        return await asyncio.to_thread(_unpack, slot, reviewed.data)

    async def pack(self, reviewed: ReviewedTree, *, extra: Mapping[str, str]) -> bytes:
        """Return a reviewed tree as a deterministic archive, made from git's objects."""
        if isinstance(reviewed, SourceBundle):
            return (
                await asyncio.to_thread(bundles.with_extra, reviewed.data, extra) if extra else reviewed.data
            )
        members = await self._reading(reviewed.repo, lambda reader: packed(reader, self._reduced, reviewed))
        more = [
            bundles.Member(path=path, kind=S_IFREG, content=text.encode()) for path, text in extra.items()
        ]
        known = {member.path for member in members}
        return await asyncio.to_thread(
            bundles.pack, [*members, *(one for one in more if one.path not in known)]
        )

    async def left_behind(self, slot: Slot, laid: LaidOut, *, ours: Mapping[str, str | None]) -> LeftBehind:
        """Return the files that were added to a slot's tree since it was laid out.

        See the port for its errors.
        """
        found = await asyncio.to_thread(compare, slot.tree, laid, ours)
        # Only a tree that was found to be the reviewed one is a start for the next, which then writes what differs.
        await asyncio.to_thread(_proved_file(slot).touch)
        return found

    async def add(self, slot: Slot, bundle: bytes) -> None:
        """Write the added files of a plan into the slot's tree."""
        await asyncio.to_thread(bundles.add_files, slot.tree, bundle)

    async def reset_tree(self, slot: Slot) -> None:
        """Empty the slot, the data directory too, so that nothing of what ran in it is left."""
        await asyncio.to_thread(reset_tree, slot)
        await asyncio.to_thread(empty, slot.data_dir)

    async def bundle_texts(self, bundle: bytes, directory: str) -> Mapping[str, str]:
        """Return file name -> text of the files directly in a directory of a bundle."""
        return await asyncio.to_thread(history.bundle_texts, bundle, directory)

    async def bundle_tree(self, bundle: bytes) -> LooseTree:
        """Return the files in the tree of a bundle; WorkspaceError for a damaged one."""
        return await asyncio.to_thread(history.bundle_tree, bundle)

    async def commits(
        self, repo: Repo, *, newer: Sequence[Sha], older: Sequence[Sha]
    ) -> Sequence[Commit] | None:
        """Return the commits that `newer` have and `older` lack; None where one is missing."""
        return await self._reading(repo, lambda reader: history.commits(reader, newer=newer, older=older))

    async def lineage(self, repo: Repo, *, base: Sha, head: Sha, heads: Sequence[Sha]) -> Lineage:
        """Return the commits of `head` and earlier `heads` that `base` lacks.

        Those that only merge the base are marked.
        """
        return await self._reading(
            repo, lambda reader: lineages.lineage(reader, base=base, head=head, heads=heads)
        )

    async def reverted(self, repo: Repo, tip: Sha, merged: Sequence[Merged], *, at: datetime) -> Sha | None:
        """Return a commit on `tip` that takes the pull requests back.

        None where nothing is left of them.
        """
        return await RevertCommits(git=self._git, mirror=self._mirrors.path(repo), at=at).reverted(
            tip, merged
        )

    async def push_branch(self, repo: Repo, token: str, branch: str, commit: Sha) -> None:
        """Point a branch below `gatewright/` at a commit."""
        mirrors = self._mirrors
        pusher = BranchPusher(git=self._git, mirror=mirrors.path(repo), origin=mirrors.origin)
        await pusher.push(repo, token, branch, commit)

    def state_lock(self, key: StateKey, *, exclusive: bool) -> AbstractAsyncContextManager[int]:
        """Hold this machine's lock of a state key; yields a descriptor that a child may inherit."""
        return fair_lock(self._locks, hashlib.sha256(key.encode()).hexdigest(), exclusive=exclusive)

    def quarantined(self) -> Sequence[Path]:
        """Return the slots that were set aside with an `errored.tfstate` in them."""
        return self._slots.quarantined()

    async def errored_states(self, stack: Stack) -> Sequence[ErroredState]:
        """Return the errored states of a stack on this machine, recovered or not."""
        return await asyncio.to_thread(self._errored_states, stack)

    def _errored_states(self, stack: Stack) -> Sequence[ErroredState]:
        self._slots.set_aside_free(stack)
        return tuple(errored_states(self._slots.quarantined(), stack_directory(stack)))

    async def prune(self, max_idle: timedelta) -> Sequence[Path]:
        """Remove slots and mirrors that were idle for longer; return what was removed."""
        older_than = (self._clock.now() - max_idle).timestamp()
        slots = await asyncio.to_thread(self._slots.prune, older_than)
        mirrors = await self._mirrors.prune(older_than)
        await asyncio.to_thread(self._slots.throw_away_trash)
        return [*slots, *mirrors]

    async def _reading(self, repo: Repo, read: Callable[[TreeReader], Awaitable[_T]]) -> _T:
        mirror = self._mirrors.path(repo)
        try:
            return await read(TreeReader(git=self._git, mirror=mirror, known=self._known))
        except GitError as error:
            if is_damage(error):
                self._mirrors.suspect(mirror, error)
            raise


def _proved_file(slot: Slot) -> Path:
    return slot.tree.parent / "proved"


def _distrust(slot: Slot) -> None:
    """Forget git's index of a tree unless it was compared after the last run."""
    proved = _proved_file(slot)
    if proved.exists():
        proved.unlink()
    else:
        reset_tree(slot)


def _unpack(slot: Slot, bundle: bytes) -> LaidOut:
    index_file(slot).unlink(missing_ok=True)
    return observed(slot.tree, bundles.write_tree(slot.tree, bundle))

"""The Workspace port on real git and real directories; everything lives below one data directory."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from bot.adapters.workspace import bundle as bundles
from bot.adapters.workspace import history
from bot.adapters.workspace.checkout import check_out, index_file
from bot.adapters.workspace.git import Git, GitError
from bot.adapters.workspace.locks import fair_lock
from bot.adapters.workspace.mirror import Mirrors
from bot.adapters.workspace.names import stack_directory
from bot.adapters.workspace.rescue import errored_states
from bot.adapters.workspace.revert_branches import BranchPusher, RevertCommits
from bot.adapters.workspace.slots import Slots
from bot.adapters.workspace.trees import LARGEST_TEXT, SUBMODULE, SYMLINK, TreeReader, is_damage, shown
from bot.domain.errors import WorkspaceError
from bot.domain.loose_trees import LooseTree
from bot.domain.model import Repo, Sha, Stack, StateKey
from bot.ports import Clock, Merge, Slot
from bot.ports.rescue import ErroredState
from bot.ports.revert_pulls import Merged
from bot.ports.sources import Commit
from bot.ports.workspace import TreeFiles

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

    async def tree_files(self, repo: Repo, tree: str) -> TreeFiles:
        """Return path -> blob id for every file of a tree or commit, and what its symbolic links say."""
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
        """Return blob id -> text for many blobs; WorkspaceError when one is missing or too large to be read."""
        found = await self._reading(repo, lambda reader: reader.blobs(blobs, largest=LARGEST_TEXT))
        if unread := [blob for blob in blobs if blob not in found]:
            raise WorkspaceError(
                f"reading files of {repo.full_name}: {unread[0][:12]} is missing or larger than {LARGEST_TEXT} bytes"
            )
        return {blob: content.decode("utf-8", "replace") for blob, content in found.items()}

    async def small_blobs(self, repo: Repo, blobs: Sequence[str], *, largest: int) -> Mapping[str, bytes]:
        """Return blob id -> content of those that have at most `largest` bytes; missing ones are left out as well."""
        return await self._reading(repo, lambda reader: reader.blobs(blobs, largest=largest))

    def slot(self, stack: Stack, *, name: str | None = None) -> AbstractAsyncContextManager[Slot]:
        """Hold a free slot of the stack, or wait for the named one."""
        return self._slots.hold(stack, name)

    async def checkout(self, repo: Repo, slot: Slot, tree: str) -> None:
        """Make the slot's tree exactly the git tree; UnsafeTreeError before anything is written."""
        await self._reading(repo, lambda reader: check_out(reader, slot, tree))

    async def pack(self, slot: Slot) -> bytes:
        """Return tree and data directory, without provider binaries, as a deterministic archive."""
        return await asyncio.to_thread(bundles.pack, slot)

    async def pack_source(self, slot: Slot) -> bytes:
        """Return the tree alone as a deterministic archive that `unpack` restores in any slot."""
        return await asyncio.to_thread(bundles.pack_source, slot)

    async def unpack(self, slot: Slot, bundle: bytes) -> None:
        """Make the slot what `pack` saw; raises WorkspaceError for a damaged or escaping bundle."""
        index_file(slot).unlink(missing_ok=True)
        await asyncio.to_thread(bundles.unpack, slot, bundle)

    async def bundle_texts(self, bundle: bytes, directory: str) -> Mapping[str, str]:
        """Return file name -> text of the files that lie directly in a directory of a bundle."""
        return await asyncio.to_thread(history.bundle_texts, bundle, directory)

    async def bundle_tree(self, bundle: bytes) -> LooseTree:
        """Return what lies in the tree of a bundle; WorkspaceError for a damaged one."""
        return await asyncio.to_thread(history.bundle_tree, bundle)

    async def commits(
        self, repo: Repo, *, newer: Sequence[Sha], older: Sequence[Sha]
    ) -> Sequence[Commit] | None:
        """Return the commits that `newer` have and `older` have not, None where the mirror lacks one of them."""
        return await self._reading(repo, lambda reader: history.commits(reader, newer=newer, older=older))

    async def reverted(self, repo: Repo, tip: Sha, merged: Sequence[Merged], *, at: datetime) -> Sha | None:
        """Return a commit on `tip` that takes the pull requests back; None where nothing is left of them."""
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
        """Return the states of a stack that Terraform could not save on this machine, recovered or not."""
        return await asyncio.to_thread(self._errored_states, stack)

    def _errored_states(self, stack: Stack) -> Sequence[ErroredState]:
        self._slots.set_aside_free(stack)
        return tuple(errored_states(self._slots.quarantined(), stack_directory(stack)))

    async def prune(self, max_idle: timedelta) -> Sequence[Path]:
        """Remove slots and mirrors that were idle for longer; returns what is gone."""
        older_than = (self._clock.now() - max_idle).timestamp()
        slots = await asyncio.to_thread(self._slots.prune, older_than)
        mirrors = await self._mirrors.prune(older_than)
        await asyncio.to_thread(self._slots.throw_away_trash)
        return [*slots, *mirrors]

    async def _reading(self, repo: Repo, read: Callable[[TreeReader], Awaitable[_T]]) -> _T:
        mirror = self._mirrors.path(repo)
        try:
            return await read(TreeReader(git=self._git, mirror=mirror))
        except GitError as error:
            if is_damage(error):
                self._mirrors.suspect(mirror, error)
            raise

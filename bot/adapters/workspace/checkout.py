"""Making a slot's directory exactly a git tree, after untrusted programs wrote to it.

Git gets the paths of the repository and its index, so that nothing inside the directory is taken for either.
"""

from __future__ import annotations

import asyncio
import logging
import os
import stat
import tempfile
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from bot.adapters.untrusted import printable
from bot.adapters.workspace import bundle
from bot.adapters.workspace.cleaning import FILE, PROGRAM, empty, remove_strangers
from bot.adapters.workspace.git import GitError
from bot.adapters.workspace.left_behind import observed
from bot.adapters.workspace.names import object_id
from bot.adapters.workspace.tree_rules import LARGEST_CHECKED, find_problems, needs_content
from bot.adapters.workspace.trees import SUBMODULE, SYMLINK, TreeEntry, TreeReader, shown
from bot.domain.core.errors import UnsafeTreeError, WorkspaceError
from bot.ports import Slot
from bot.ports.workspace import GitTree, LaidOut

_log = logging.getLogger(__name__)
_REMEMBERED = 64
"""Reduced trees that are remembered."""
_MODES = {"100755": PROGRAM, "100644": FILE}
"""Permissions in a bundle by git's mode."""
_UMASK = 0o022
"""Gives files the same permissions."""


def index_file(slot: Slot) -> Path:
    """Return git's index file of the slot.

    It is beside the tree, where code cannot reach it.
    """
    return slot.tree.parent / "index"


class ReducedTrees:
    """Git trees reduced to the paths that a slot needs; the newest ones are cached."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[Path, str, frozenset[str]], str] = OrderedDict()

    async def entries(self, reader: TreeReader, reviewed: GitTree) -> tuple[str, list[TreeEntry]]:
        """Return the id of the reduced tree and its entries. Raises GitError."""
        if reviewed.paths is None:
            return reviewed.tree, await reader.entries(reviewed.tree)
        key = (reader.mirror, reviewed.tree, reviewed.paths)
        known = self._known.get(key)
        if known is not None:
            try:
                return known, await reader.listed(known)
            except GitError:
                # The mirror was cloned again since, or git has tidied up.
                del self._known[key]
        whole = await reader.entries(reviewed.tree)
        entries = [entry for entry in whole if shown(entry.path) in reviewed.paths]
        tree = self._known[key] = await _written(reader, entries)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return tree, entries


async def check_out(reader: TreeReader, trees: ReducedTrees, slot: Slot, reviewed: GitTree) -> LaidOut:
    """Write the required paths of a tree, only those that differ.

    UnsafeTreeError leaves the slot unchanged.
    """
    tree, entries = await trees.entries(reader, reviewed)
    await _refuse_unsafe(reader, entries)
    kinds = {entry.path: _kind(entry) for entry in entries if entry.mode != SUBMODULE}
    try:
        await asyncio.to_thread(remove_strangers, slot.tree, kinds)
        await _read_tree(reader, slot, tree)
    except (GitError, OSError) as error:
        _log.warning("The slot %s could not be updated and is made again: %s", slot.name, error)
        await asyncio.to_thread(reset_tree, slot)
        await _read_tree(reader, slot, tree)
    contents = {entry.path: f"git:{entry.blob}" for entry in entries if entry.mode != SUBMODULE}
    return await asyncio.to_thread(observed, slot.tree, contents)


async def packed(reader: TreeReader, trees: ReducedTrees, reviewed: GitTree) -> list[bundle.Member]:
    """Return the members of a bundle, read from git's objects.

    Raises WorkspaceError where one is too large.
    """
    _, everything = await trees.entries(reader, reviewed)
    entries = [entry for entry in everything if entry.mode != SUBMODULE]
    most = bundle.LARGEST_BUNDLE
    contents = await reader.blobs(sorted({entry.blob for entry in entries}), largest=most, together=most)
    if missing := [entry.path for entry in entries if entry.blob not in contents]:
        raise WorkspaceError(
            f"{printable(missing[0])} cannot be packed: it is missing, or too large for a bundle"
        )
    return [
        bundle.Member(
            path=entry.path,
            kind=_kind(entry),
            mode=_MODES.get(entry.mode, 0o777),
            content=contents[entry.blob],
        )
        for entry in entries
    ]


async def _written(reader: TreeReader, entries: Sequence[TreeEntry]) -> str:
    """Write a git tree that holds these entries and nothing else; returns its id."""
    lines = b"".join(
        f"{entry.mode} {entry.blob}\t".encode() + os.fsencode(entry.path) + b"\0" for entry in entries
    )
    doing = "selecting the files of a stack"
    git = f"--git-dir={reader.mirror}"
    # Not in the mirror: a fetch there clears away what looks like left behind.
    with tempfile.TemporaryDirectory(prefix="gatewright-index-") as place:
        where = {"GIT_INDEX_FILE": str(Path(place) / "index")}
        await reader.git.run(doing, git, "update-index", "-z", "--index-info", stdin=lines, environment=where)
        written = await reader.git.run(doing, git, "write-tree", "--missing-ok", environment=where)
    tree = object_id(written.stdout.decode().strip())
    if sorted(await reader.listed(tree), key=_by_path) != sorted(entries, key=_by_path):
        raise WorkspaceError(f"{doing}: git has written another tree")
    return tree


def _by_path(entry: TreeEntry) -> str:
    return entry.path


async def _refuse_unsafe(reader: TreeReader, entries: Sequence[TreeEntry]) -> None:
    blobs = sorted({entry.blob for entry in entries if needs_content(entry)})
    contents = await reader.blobs(blobs, largest=LARGEST_CHECKED)
    problems = find_problems(entries, contents)
    if problems:
        raise UnsafeTreeError(problems)


async def _read_tree(reader: TreeReader, slot: Slot, tree: str) -> None:
    index = index_file(slot)
    index.with_suffix(".lock").unlink(missing_ok=True)
    try:
        await reader.git.run(
            f"checking out {tree[:12]}",
            f"--git-dir={reader.mirror}",
            f"--work-tree={slot.tree}",
            "read-tree",
            "-u",
            "--reset",
            object_id(tree),
            cwd=slot.tree.parent,
            environment={"GIT_INDEX_FILE": str(index)},
            keep_fds=(slot.lock_fd,),
            seconds=300,
            umask=_UMASK,
        )
    except GitError as error:
        if "invalid path" in error.stderr:
            raise UnsafeTreeError((f"{error.stderr.splitlines()[-1]}: git refuses this name.",)) from error
        raise


def reset_tree(slot: Slot) -> None:
    """Delete the slot's tree; blocking."""
    index_file(slot).unlink(missing_ok=True)
    empty(slot.tree)


def _kind(entry: TreeEntry) -> int:
    return stat.S_IFLNK if entry.mode == SYMLINK else stat.S_IFREG

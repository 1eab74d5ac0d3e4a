"""Making a slot's directory exactly a git tree, although untrusted programs have written to that directory.

Git is told where the repository and its index are, so that nothing inside the directory is taken for either.
"""

from __future__ import annotations

import asyncio
import logging
import stat
from collections.abc import Sequence
from pathlib import Path

from bot.adapters.workspace.cleaning import empty, remove_strangers
from bot.adapters.workspace.git import GitError
from bot.adapters.workspace.names import object_id
from bot.adapters.workspace.tree_rules import LARGEST_CHECKED, find_problems, needs_content, submodules
from bot.adapters.workspace.trees import SUBMODULE, SYMLINK, TreeEntry, TreeReader
from bot.domain.errors import UnsafeTreeError
from bot.ports import Slot

_log = logging.getLogger(__name__)


def index_file(slot: Slot) -> Path:
    """Return where git keeps what it knows of the slot's files: beside the tree, out of its reach."""
    return slot.tree.parent / "index"


async def check_out(reader: TreeReader, slot: Slot, tree: str) -> None:
    """Write a tree into a slot, only what differs; UnsafeTreeError leaves the slot as it was."""
    entries = await reader.entries(tree)
    await _refuse_unsafe(reader, entries)
    if left_empty := submodules(entries):
        _log.warning("Submodules are not fetched; these stay empty: %s", ", ".join(left_empty))
    kinds = {entry.path: _kind(entry) for entry in entries if entry.mode != SUBMODULE}
    try:
        await asyncio.to_thread(remove_strangers, slot.tree, kinds)
        await _read_tree(reader, slot, tree)
    except (GitError, OSError) as error:
        _log.warning("The slot %s could not be updated and is made anew: %s", slot.name, error)
        await asyncio.to_thread(_start_anew, slot)
        await _read_tree(reader, slot, tree)


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
        )
    except GitError as error:
        if "invalid path" in error.stderr:
            raise UnsafeTreeError((f"{error.stderr.splitlines()[-1]}: git refuses this name.",)) from error
        raise


def _start_anew(slot: Slot) -> None:
    index_file(slot).unlink(missing_ok=True)
    empty(slot.tree)


def _kind(entry: TreeEntry) -> int:
    return stat.S_IFLNK if entry.mode == SYMLINK else stat.S_IFREG

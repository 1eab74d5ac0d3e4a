"""Reading commits and trees of a mirror, and merging them, without any work tree."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.workspace.git import LARGEST_ANSWER, Git, GitError, GitResult
from bot.adapters.workspace.names import is_object_id, object_id
from bot.domain.errors import MergeConflictError, WorkspaceError
from bot.domain.model import Sha
from bot.ports import Merge

LARGEST_TEXT = 5_000_000
"""Bytes of the largest file that `read_file` returns."""
LARGEST_TOGETHER = 256 << 20
"""Bytes of all files that are read at once; a few kilobytes of a repository can be unpacked to any number of them."""
SYMLINK = "120000"
SUBMODULE = "160000"


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeEntry:
    """One file of a tree; `path` keeps undecodable bytes as surrogates, so that it can be used on the disk."""

    mode: str
    blob: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeReader:
    """One mirror, read-only."""

    git: Git
    mirror: Path

    async def merge(self, *, base: Sha, head: Sha) -> Merge:
        """Merge head into base; the resulting tree is written to the mirror."""
        await self.git.require_merge_tree()
        merged = asyncio.create_task(self._merged(object_id(base), object_id(head)))
        try:
            merge_bases = await self._merge_bases(object_id(base), object_id(head))
            changed = await self._changed(merge_bases[0], object_id(head))
        finally:
            await asyncio.gather(merged, return_exceptions=True)
        if len(merge_bases) > 1:
            # What the head has dropped of one merge base is no difference from another one.
            changed |= await self._changed(object_id(base), merged.result())
        return Merge(tree=merged.result(), merge_base=merge_bases[0], changed_files=tuple(sorted(changed)))

    async def _merged(self, base: str, head: str) -> str:
        """Return the tree of the merge."""
        result = await self._run(
            f"merging {head[:12]} into {base[:12]}",
            "merge-tree",
            "--write-tree",
            "-z",
            "--name-only",
            "--no-messages",
            base,
            head,
            accept=(0, 1),
        )
        tree, *conflicts = result.stdout.decode("utf-8", "backslashreplace").rstrip("\0").split("\0")
        if not is_object_id(tree):
            raise WorkspaceError(
                f"merging {head[:12]} into {base[:12]}: {result.stderr or 'no tree was written'}"
            )
        if result.exit_code == 1:
            raise MergeConflictError(tuple(sorted(set(filter(None, conflicts)))))
        return tree

    async def entries(self, tree: str) -> list[TreeEntry]:
        """Return every file, symbolic link and submodule of a tree or commit."""
        listed = await self._run(
            f"listing {tree[:12]}", "ls-tree", "-r", "-z", "--full-tree", object_id(tree)
        )
        return [_entry(line) for line in listed.stdout.split(b"\0") if line]

    async def text(self, tree: str, path: str) -> str | None:
        """Return a regular file of a tree or commit, None when the path is something else or nothing."""
        doing = f"reading {path} at {tree[:12]}"
        if "\0" in path or any(step in ("", ".", "..") for step in path.split("/")):
            return None
        listed = await self._run(doing, "ls-tree", "-z", "-l", "--full-tree", object_id(tree), "--", path)
        if not listed.stdout:
            return None
        mode, kind, blob, size = listed.stdout.partition(b"\t")[0].decode().split()
        if kind != "blob" or mode == SYMLINK:
            return None
        if int(size) > LARGEST_TEXT:
            raise WorkspaceError(f"{doing}: the file is larger than {LARGEST_TEXT} bytes")
        content = (await self._run(doing, "cat-file", "blob", blob)).stdout
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise WorkspaceError(f"{doing}: the file is not UTF-8 text") from error

    async def blobs(
        self, ids: Sequence[str], *, largest: int, together: int = LARGEST_TOGETHER
    ) -> Mapping[str, bytes]:
        """Return the contents of blobs; those above `largest` bytes are left out.

        Raises WorkspaceError before anything is read where the others have more than `together` bytes.
        """
        if not ids:
            return {}
        asked = "".join(f"{object_id(blob)}\n" for blob in ids).encode()
        sizes = await self._run("measuring files", "cat-file", "--batch-check", stdin=asked)
        words = (line.split() for line in sizes.stdout.decode().splitlines())
        wanted = {word[0]: int(word[2]) for word in words if word[1] == "blob" and int(word[2]) <= largest}
        if sum(wanted.values()) > together:
            raise WorkspaceError(f"reading files: all together have more than {together} bytes")
        asked = "".join(f"{blob}\n" for blob in wanted).encode()
        # Each is preceded by a line.
        most = sum(wanted.values()) + 200 * len(wanted)
        answer = await self._run("reading files", "cat-file", "--batch", stdin=asked, largest=most)
        return _parse_batch(answer.stdout)

    async def _merge_bases(self, base: str, head: str) -> Sequence[Sha]:
        """Return every best common ancestor: several where branches were merged crosswise."""
        result = await self._run("finding the merge base", "merge-base", "--all", base, head, accept=(0, 1))
        if result.exit_code == 1:
            raise WorkspaceError(f"{head[:12]} and {base[:12]} share no history")
        return [Sha(line) for line in result.stdout.decode().split()]

    async def _changed(self, before: str, after: str) -> frozenset[str]:
        """Without rename detection a rename is a removal and an addition, so both of its names are listed."""
        listed = await self._run(
            "comparing with the merge base",
            "diff-tree",
            "-r",
            "-z",
            "--no-renames",
            "--name-only",
            "--ignore-submodules=none",
            before,
            after,
        )
        return frozenset(filter(None, listed.stdout.decode("utf-8", "backslashreplace").split("\0")))

    async def _run(
        self,
        doing: str,
        *arguments: str,
        stdin: bytes = b"",
        accept: Sequence[int] = (0,),
        largest: int = LARGEST_ANSWER,
    ) -> GitResult:
        git = f"--git-dir={self.mirror}"
        return await self.git.run(doing, git, *arguments, stdin=stdin, accept=accept, largest=largest)


def shown(path: str) -> str:
    """Return a path of the disk as text for records: exact where it is UTF-8, undecodable bytes escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def is_damage(error: GitError) -> bool:
    """Whether reading failed because of the mirror itself, and not because a commit was never fetched."""
    return _DAMAGE.search(error.stderr) is not None


_DAMAGE = re.compile(
    r"corrupt|inflate|packfile .* (cannot|is|does)|unable to (read|unpack)|garbage|bad (signature|config)|"
    r"not a git repository|hash mismatch|index file .* (too|is)|missing (blob|tree|commit) object",
    re.IGNORECASE,
)


def _entry(line: bytes) -> TreeEntry:
    words, _, path = line.partition(b"\t")
    mode, _, blob = words.decode().split(" ", 2)
    return TreeEntry(mode=mode, blob=blob, path=os.fsdecode(path))


def _parse_batch(output: bytes) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    position = 0
    while position < len(output):
        end = output.index(b"\n", position)
        blob, _, size = output[position:end].decode().split(" ")
        start = end + 1
        contents[blob] = output[start : start + int(size)]
        position = start + int(size) + 1
    return contents

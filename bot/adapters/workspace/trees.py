"""Reading commits and trees of a mirror, and merging them, without any work tree."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.adapters.workspace.git import LARGEST_ANSWER, Git, GitError, GitResult
from bot.adapters.workspace.known_objects import KnownObjects, place_of
from bot.adapters.workspace.names import is_object_id, object_id
from bot.domain.core.errors import MergeConflictError, WorkspaceError
from bot.domain.core.model import Sha
from bot.ports import Merge

LARGEST_TEXT = 5_000_000
"""Bytes of the largest file that `read_file` returns."""
LARGEST_TOGETHER = 256 << 20
"""Limit of all files read in one call; few bytes of git objects can unpack to any size."""
SYMLINK = "120000"
SUBMODULE = "160000"


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeEntry:
    """One file of a tree.

    `path` keeps undecodable bytes as surrogates, so that it can be used on the disk.
    """

    mode: str
    blob: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeReader:
    """One mirror, read-only."""

    git: Git
    mirror: Path
    known: KnownObjects[TreeEntry] = field(default_factory=KnownObjects)

    async def merge(self, *, base: Sha, head: Sha) -> Merge:
        """Merge head into base; the resulting tree is written to the mirror."""
        await self.git.require_merge_tree()
        merged = asyncio.create_task(self.merged_tree(base, head))
        try:
            merge_bases = await self._merge_bases(object_id(base), object_id(head))
            changed = await self._changed(merge_bases[0], object_id(head))
        finally:
            await asyncio.gather(merged, return_exceptions=True)
        if len(merge_bases) > 1:
            # What the head has dropped of one merge base is no difference from another one.
            changed |= await self._changed(object_id(base), merged.result())
        return Merge(tree=merged.result(), merge_base=merge_bases[0], changed_files=tuple(sorted(changed)))

    async def merged_tree(self, base: Sha, head: Sha) -> str:
        """Return the tree of the merge; MergeConflictError names the paths."""
        base, head = Sha(object_id(base)), Sha(object_id(head))
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

    async def contains(self, *, tip: Sha, commit: Sha) -> bool:
        """Whether the history of a tip holds a commit; one that was never fetched it cannot hold."""
        doing = f"looking for {commit[:12]} below {tip[:12]}"
        asked = f"{object_id(commit)}\n".encode()
        found = await self._run(doing, "cat-file", "--batch-check", stdin=asked)
        if found.stdout.split(b" ")[1:2] != [b"commit"]:
            return False
        ends = (object_id(commit), object_id(tip))
        return (await self._run(doing, "merge-base", "--is-ancestor", *ends, accept=(0, 1))).exit_code == 0

    async def entries(self, tree: str) -> list[TreeEntry]:
        """Return every file, symbolic link and submodule of a tree or commit, as they are known."""
        place = place_of(self.mirror)
        known = self.known.tree(place, tree)
        if known is None:
            known = tuple(await self.listed(tree))
            self.known.add_tree(place, tree, known)
        return list(known)

    async def listed(self, tree: str) -> list[TreeEntry]:
        """Return the same from the mirror, which proves that the tree is there."""
        listed = await self._run(
            f"listing {tree[:12]}", "ls-tree", "-r", "-z", "--full-tree", object_id(tree)
        )
        return [_entry(line) for line in listed.stdout.split(b"\0") if line]

    async def text(self, tree: str, path: str) -> str | None:
        """Return a regular file of a tree or commit; None when the path is none."""
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
        place = place_of(self.mirror)
        small = {
            blob: content for blob, content in self.known.blobs(place, ids).items() if len(content) <= largest
        }
        known = sum(map(len, small.values()))
        if known > together:
            raise _too_much(together)
        unread = [blob for blob in ids if blob not in small]
        found = await self._read(unread, largest=largest, known=known, together=together)
        self.known.add_blobs(place, found)
        return small | found

    async def _read(self, ids: Sequence[str], *, largest: int, known: int, together: int) -> dict[str, bytes]:
        if not ids:
            return {}
        asked = "".join(f"{object_id(blob)}\n" for blob in ids).encode()
        sizes = await self._run("measuring files", "cat-file", "--batch-check", stdin=asked)
        words = (line.split() for line in sizes.stdout.decode().splitlines())
        wanted = {word[0]: int(word[2]) for word in words if word[1] == "blob" and int(word[2]) <= largest}
        if known + sum(wanted.values()) > together:
            raise _too_much(together)
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
        """Return the changed paths; a rename lists both of its names."""
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


def _too_much(together: int) -> WorkspaceError:
    return WorkspaceError(f"reading files: all together have more than {together} bytes")


def shown(path: str) -> str:
    """Return a path of the disk as text for records.

    Exact where it is UTF-8, undecodable bytes escaped.
    """
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def is_damage(error: GitError) -> bool:
    """Whether reading failed because the mirror is damaged, not because a commit is missing."""
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

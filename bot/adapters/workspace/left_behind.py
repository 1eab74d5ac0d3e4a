"""Compare a slot's tree with what was laid out, after code ran in it.

Blocking: run in a thread.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.adapters.untrusted import Found, printable, walk
from bot.adapters.workspace import bundle
from bot.adapters.workspace.tree_rules import added_problem, escapes
from bot.domain.core.errors import TreeChangedError, UnsafeTreeError
from bot.ports.workspace import LaidFile, LaidOut, LeftBehind

LARGEST_ADDED = 256 << 20
"""Limit of all files that a plan may add; a function's package has at most 250 MiB."""
MOST_ADDED = 10_000
"""Files that one plan may leave for its apply."""
_MOST_NAMED = 20
"""Paths that a message names."""
_SIZE, _MODE = 1, 2
"""Places of size and mode in `LaidFile.status`."""
_SHA1 = 40
"""Hexadecimal digits of a SHA-1."""


def observed(tree: Path, contents: Mapping[str, str]) -> LaidOut:
    """Return the files of a freshly written tree.

    `contents` is path -> expected hash.
    """
    files = {
        found.path: LaidFile(content=contents[found.path], status=_signature(found.status))
        for found in walk(tree)
        if found.path in contents
    }
    if missing := contents.keys() - files.keys():
        raise UnsafeTreeError(
            tuple(f"{printable(path)}: it was not written" for path in sorted(missing)[:_MOST_NAMED])
        )
    return LaidOut(files=files)


def compare(tree: Path, laid: LaidOut, ours: Mapping[str, str | None]) -> LeftBehind:
    """Return the added files. Raises TreeChangedError, see the port."""
    looked = _Looked(laid=laid, ours=ours, bytes_left=LARGEST_ADDED)
    try:
        for found in walk(tree):
            looked.at(found)
    except UnsafeTreeError as error:
        raise TreeChangedError(error.problems) from error
    problems = looked.all_problems()
    if problems:
        raise TreeChangedError(problems[:_MOST_NAMED])
    if not looked.files:
        return LeftBehind()
    # The paths are shown and stored, and a program may name its files by bytes that are no text.
    return LeftBehind(
        added=tuple(map(printable, sorted(looked.files))), bundle=bundle.pack(looked.added.values())
    )


@dataclass(slots=True, kw_only=True)
class _Looked:
    laid: LaidOut
    ours: Mapping[str, str | None]
    seen: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    added: dict[str, bundle.Member] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    bytes_left: int

    def at(self, found: Found) -> None:
        path = found.path
        if found.is_link:
            self.links[path] = found.target()
        if path in self.laid.files:
            self.seen.add(path)
            if not _is_unchanged(found, self.laid.files[path]):
                self.changed.add(path)
        elif path in self.ours:
            if not self._is_ours(found, self.ours[path]):
                self.changed.add(path)
        elif found.is_directory:
            # Of a directory only its files are kept, so that an empty one changes nothing.
            return
        elif problem := added_problem(path):
            self.problems.append(f"{printable(path)}: {problem}")
        elif found.is_link or found.is_file:
            self._add(found)

    def all_problems(self) -> tuple[str, ...]:
        """Return one sentence for each path that cannot be accepted, changed files first."""
        changed = sorted(self.changed | (self.laid.files.keys() - self.seen))
        # An added link may lead through links that the tree had before.
        leading_out = [
            path for path in sorted(self.links.keys() & self.added.keys()) if escapes(path, self.links)
        ]
        return (
            *(f"{printable(path)}: its content was changed while Terraform ran." for path in changed),
            *self.problems,
            *(
                f"{printable(path)}: the symbolic link points outside of the directory."
                for path in leading_out
            ),
        )

    def _is_ours(self, found: Found, text: str | None) -> bool:
        if text is None or not found.is_file:
            return found.is_file
        expected = text.encode()
        return found.status.st_size == len(expected) and found.content(largest=len(expected)) == expected

    def _add(self, found: Found) -> None:
        if len(self.files) >= MOST_ADDED:
            raise UnsafeTreeError((f"the plan leaves more than {MOST_ADDED} files in the working directory",))
        content = os.fsencode(found.target()) if found.is_link else self._content(found)
        kind = stat.S_IFLNK if found.is_link else stat.S_IFREG
        mode = stat.S_IMODE(found.status.st_mode)
        self.added[found.path] = bundle.Member(path=found.path, kind=kind, mode=mode, content=content)
        self.files.append(found.path)

    def _content(self, found: Found) -> bytes:
        if found.status.st_size > self.bytes_left:
            raise UnsafeTreeError(
                (f"the plan leaves more than {LARGEST_ADDED >> 20} MiB of files in the working directory",)
            )
        content = found.content(largest=self.bytes_left)
        self.bytes_left -= len(content)
        return content


def _is_unchanged(found: Found, laid: LaidFile) -> bool:
    if _signature(found.status) == laid.status:
        return True
    size = found.status.st_size
    # Other sizes have other content, and what a program made of a small file may fill any memory.
    if stat.S_IFMT(found.status.st_mode) != stat.S_IFMT(laid.status[_MODE]) or size != laid.status[_SIZE]:
        return False
    algorithm, _, digest = laid.content.partition(":")
    if algorithm == "git":
        # Git names objects by SHA-1 unless the repository was made with the other format.
        hashing = hashlib.new("sha1" if len(digest) == _SHA1 else "sha256", usedforsecurity=False)
        hashing.update(f"blob {size}\0".encode())
    else:
        hashing = hashlib.new(algorithm)
    for chunk in [os.fsencode(found.target())] if found.is_link else found.chunks(largest=size):
        hashing.update(chunk)
    return hashing.hexdigest() == digest


def _signature(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_ino, status.st_size, status.st_mode, status.st_mtime_ns, status.st_ctime_ns)

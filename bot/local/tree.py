"""The directories of a stack, read from disk as Terraform reads them: links are followed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bot.domain.core.model import Stack
from bot.domain.hcl.module_calls import TERRAFORM_FILES, called_directories, local_module_calls
from bot.domain.trees.loose_trees import LooseTree, is_of_interest
from bot.domain.trees.plannable import LARGEST_POINTER, literal_start
from bot.domain.trees.selection import PolicyPart

_SKIPPED: Final = frozenset({".git", ".terraform"})
"""Data of git and of Terraform, where modules may be repositories."""
_LARGEST: Final = 5_000_000
"""Size in bytes of the largest file that is read."""


def loose_tree(root: Path, stack: Stack, part: PolicyPart) -> LooseTree:
    """Return the files of a stack: its project, the modules it calls, and paths of the policy."""
    reading = _Reading(root)
    waiting = [stack.directory, *(_directory_of(each) for each in _taking(part)), stack.var_file or ""]
    while waiting:
        for directory in filter(None, waiting):
            reading.read(directory)
        called = called_directories(stack.directory, local_module_calls(reading.texts()))
        waiting = [directory for directory in called if directory not in reading.done]
    return reading.found()


class _Reading:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._contents: dict[str, bytes | None] = {}
        self._empty: set[str] = set()
        self._repositories: set[str] = set()
        self.done: set[str] = set()

    def read(self, directory: str) -> None:
        """Read a file, or all files below a directory."""
        self.done.add(directory)
        place = self._root / directory
        if place.is_file():
            self._contents[directory] = _content(place)
            return
        # A repository around the place holds what lies there just as one below it does.
        for above in [*place.relative_to(self._root).parents][:-1]:
            if (self._root / above / ".git").exists():
                self._repositories.add(above.as_posix())
        for path, names, files in _walk(place):
            here = os.path.relpath(path, self._root)
            if here != "." and (path / ".git").exists():
                self._repositories.add(here)
            if here != "." and not names and not files and not any(path.iterdir()):
                self._empty.add(here)
            for name in files:
                self._contents[os.path.normpath(f"{here}/{name}")] = _content(path / name)

    def texts(self) -> dict[str, str]:
        """Return path -> text of the files of modules."""
        return {
            path: content.decode("utf-8", "replace")
            for path, content in self._contents.items()
            if content is not None and path.endswith(TERRAFORM_FILES)
        }

    def found(self) -> LooseTree:
        """Return what was read; of a repository only its directory, as git shows a submodule."""
        inside = tuple(f"{path}/" for path in self._repositories)
        return LooseTree(
            contents={
                path: content for path, content in self._contents.items() if not path.startswith(inside)
            },
            empty=frozenset(self._empty - self._repositories),
            repositories=frozenset(self._repositories),
        )


def _walk(place: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Walk through links to directories as well, into each directory once."""
    seen: set[tuple[int, int]] = set()
    for name, directories, files in os.walk(place, followlinks=True):
        path = Path(name)
        status = path.stat()
        if (status.st_dev, status.st_ino) in seen:
            directories.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        directories[:] = sorted(set(directories) - _SKIPPED)
        yield path, directories, [file for file in files if (path / file).is_file() and file != ".git"]


def _content(path: Path) -> bytes | None:
    largest = _LARGEST if is_of_interest(path.name) else LARGEST_POINTER
    try:
        return path.read_bytes() if path.stat().st_size <= largest else None
    except OSError:
        # Terraform says itself what it cannot read.
        return None


def _taking(part: PolicyPart) -> Iterator[str]:
    for patterns in part.patterns:
        yield from (pattern for pattern in patterns if not pattern.startswith("!"))


def _directory_of(pattern: str) -> str:
    """Return the directory below which everything lies that a pattern takes."""
    start = literal_start(pattern)
    return start if start == pattern else start.rpartition("/")[0] or "."

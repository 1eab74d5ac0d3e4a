"""Cache of git objects read from mirrors: they never change, and each read costs a process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Generic, TypeVar

_Value = TypeVar("_Value")
_MOST_FILES: Final = 20_000
"""Files of all trees that are remembered; a tree that alone has more is not."""
_MOST_BYTES: Final = 4 << 20
LARGEST: Final = 64 << 10
"""Bytes of a file that is remembered."""

Place = tuple[Path, int, int]
"""A mirror, and the inode and time of its `HEAD`: one that was cloned again may lack objects."""


def place_of(mirror: Path) -> Place:
    """Return what objects are remembered by, together with their ids."""
    # File systems give the inode of a deleted file to the next one, so the inode alone is not enough.
    # git writes `HEAD` once, when the mirror is created; the directory's own time changes with every fetch.
    try:
        head = (mirror / "HEAD").stat()
    except FileNotFoundError:
        return mirror, 0, 0
    return mirror, head.st_ino, head.st_mtime_ns


class Recent(Generic[_Value]):
    """Cache of the last read values, up to a total size."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = 0
        self._values: OrderedDict[tuple[Place, str], tuple[int, _Value]] = OrderedDict()

    def get(self, place: Place, id: str) -> _Value | None:
        """Return a value, None where it is not known."""
        known = self._values.get((place, id))
        if known is None:
            return None
        self._values.move_to_end((place, id))
        return known[1]

    def add(self, place: Place, id: str, value: _Value, size: int) -> None:
        """Remember a value, and forget others where there is no room."""
        if size > self._most or (place, id) in self._values:
            return
        self._values[place, id] = (size, value)
        self._held += size
        while self._held > self._most:
            _, (freed, _) = self._values.popitem(last=False)
            self._held -= freed


class KnownObjects(Generic[_Value]):
    """Listings of trees and contents of small files, of all mirrors."""

    def __init__(self) -> None:
        self._trees: Recent[tuple[_Value, ...]] = Recent(_MOST_FILES)
        self._blobs: Recent[bytes] = Recent(_MOST_BYTES)

    def tree(self, place: Place, id: str) -> tuple[_Value, ...] | None:
        """Return the files of a tree, None where they are not known."""
        return self._trees.get(place, id)

    def add_tree(self, place: Place, id: str, entries: Iterable[_Value]) -> None:
        """Remember the files of a tree."""
        listed = tuple(entries)
        self._trees.add(place, id, listed, max(1, len(listed)))

    def blobs(self, place: Place, ids: Iterable[str]) -> dict[str, bytes]:
        """Return the contents that are known."""
        found = ((name, self._blobs.get(place, name)) for name in ids)
        return {name: content for name, content in found if content is not None}

    def add_blobs(self, place: Place, contents: Mapping[str, bytes]) -> None:
        """Remember contents, unless they are large."""
        for name, content in contents.items():
            if len(content) <= LARGEST:
                self._blobs.add(place, name, content, max(1, len(content)))

"""The content of what `init` fetched, read outside of the sandbox. Blocking.

It is compared before each use.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.adapters.untrusted import Found, walk
from bot.adapters.workspace import bundle
from bot.adapters.workspace.cleaning import remove
from bot.domain.core.errors import UnsafeTreeError

MODULES = "modules"
"""The directory in the data directory where `init` puts modules, with a list of them."""
MANIFEST = "modules.json"
LARGEST = 1_000_000_000
"""Bytes of one fetched file, and of all of them together, that are still read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One fetched file."""

    status: tuple[int, ...]
    """Inode, size, mode, modification and change time.

    If they are equal, so is the content, since nothing in a sandbox can set a change time.
    """
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """All fetched files."""

    files: Mapping[str, Record] = field(default_factory=dict)
    """Path below the modules' directory -> its record."""

    @property
    def digest(self) -> str:
        """Return the digest of names and content, the list of modules too."""
        return _digest((path, record.digest) for path, record in self.files.items())

    def by_module(self) -> dict[str, str]:
        """Return module key -> digest of the package that was fetched for it."""
        packages: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for path, record in self.files.items():
            key, inside, rest = path.partition("/")
            if inside:
                packages[key].append((rest, record.digest))
        return {key: _digest(iter(files)) for key, files in packages.items()}


def taken(data_dir: Path, known: Content | None = None) -> Content:
    """Return the current files; those whose status is equal in `known` are not read again."""
    before = {} if known is None else known.files
    return Content(files={found.path: _record(found, before.get(found.path)) for found in _fetched(data_dir)})


def drop_what_git_drops(data_dir: Path) -> None:
    """Remove git directories, which differ between clones, and empty directories."""
    root = data_dir / MODULES
    if not root.is_dir() or root.is_symlink():
        return
    for path in [found.path for found in walk(root) if found.name == ".git"]:
        remove(root / path)
    full: set[str] = set()
    # `walk` yields a directory before its content, so in reverse order the content is seen first.
    for found in reversed(list(walk(root))):
        parent = found.path.rpartition("/")[0]
        if found.is_directory and parent and found.path not in full:
            remove(root / found.path)
        else:
            full.add(parent)


def packed(data_dir: Path) -> bytes:
    """Return the fetched modules and their list as an archive."""
    return bundle.pack(
        bundle.Member(
            path=found.path,
            kind=stat.S_IFLNK if found.is_link else stat.S_IFREG,
            mode=stat.S_IMODE(found.status.st_mode),
            content=os.fsencode(found.target()) if found.is_link else found.content(largest=LARGEST),
        )
        for found in _fetched(data_dir)
    )


def restore(data_dir: Path, archive: bytes) -> None:
    """Unpack modules to the place where `init` would fetch them."""
    remove(data_dir / MODULES)
    (data_dir / MODULES).mkdir(mode=0o700)
    bundle.add_files(data_dir / MODULES, archive)


def _fetched(data_dir: Path) -> Iterator[Found]:
    """Yield every file and link. Raises UnsafeTreeError where they are too large together."""
    root = data_dir / MODULES
    if not root.is_dir() or root.is_symlink():
        return
    # A clone of a few kilobytes can be unpacked to files of any size.
    if sum(found.status.st_size for found in walk(root) if not found.is_directory) > LARGEST:
        raise UnsafeTreeError((f"what `init` fetched has more than {LARGEST} bytes",))
    yield from (found for found in walk(root) if not found.is_directory)


def _record(found: Found, before: Record | None) -> Record:
    status = found.status
    signature = (status.st_ino, status.st_size, status.st_mode, status.st_mtime_ns, status.st_ctime_ns)
    if before is not None and before.status == signature:
        return before
    digest = hashlib.sha256()
    if found.is_link:
        digest.update(os.fsencode(found.target()))
    else:
        for chunk in found.chunks(largest=LARGEST):
            digest.update(chunk)
    executable = "x" if status.st_mode & stat.S_IXUSR else "-"
    kind = "link" if found.is_link else f"file {executable}"
    return Record(status=signature, digest=f"{kind} {digest.hexdigest()}")


def _digest(files: Iterator[tuple[str, str]]) -> str:
    total = hashlib.sha256()
    for path, digest in sorted(files):
        total.update(f"{path}\0{digest}\0".encode("utf-8", "surrogateescape"))
    return total.hexdigest()

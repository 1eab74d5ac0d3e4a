"""Read files that a pull request's program has written.

Nothing here follows a symbolic link, waits for a pipe or reads more than allowed: every path is opened
relative to the descriptor of its directory. A test ensures that no other module opens paths in a sandbox
after code ran there. Blocking: run in a thread.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.domain.core.errors import UnsafeTreeError

DEEPEST = 100
"""Maximum depth of directories; git and tools that write trees stay far below."""
MOST_ENTRIES = 200_000
"""Maximum number of files and directories below one root."""
_CHUNK = 1 << 20
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One entry below a root; its content can be read only during the walk."""

    path: str
    """Relative to the root; undecodable bytes are surrogates."""
    status: os.stat_result
    parent: int
    """Descriptor of its directory."""

    @property
    def name(self) -> str:
        """Return the last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def is_directory(self) -> bool:
        """Whether it is a real directory."""
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return stat.S_ISLNK(self.status.st_mode)

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.status.st_mode)

    def target(self) -> str:
        """Return the target of a symbolic link."""
        return os.readlink(self.name, dir_fd=self.parent)

    def chunks(self, *, largest: int) -> Iterator[bytes]:
        """Yield the content of a regular file; UnsafeTreeError where it is something else or larger."""
        yield from _chunks(self.name, self.parent, self.path, largest)

    def content(self, *, largest: int) -> bytes:
        """Return the content of a regular file; raises as `chunks`."""
        return b"".join(self.chunks(largest=largest))


def walk(root: Path, *, whole: bool = True) -> Iterator[Found]:
    """Yield everything below a directory, parents first, sorted by name.

    Raises UnsafeTreeError if there is too much, or if a directory cannot be read; without `whole`, unreadable
    directories below the root are skipped.
    """
    top = _open_root(root)
    stack: list[tuple[int, str, list[str]]] = [(top, "", [])]
    seen = 0
    try:
        stack[0][2].extend(_names(top, ""))
        while stack:
            directory, prefix, names = stack[-1]
            if not names:
                os.close(stack.pop()[0])
                continue
            name = names.pop()
            seen += 1
            if seen > MOST_ENTRIES:
                raise UnsafeTreeError((f"there are more than {MOST_ENTRIES} files and directories",))
            path = f"{prefix}{name}"
            status = os.stat(name, dir_fd=directory, follow_symlinks=False)
            yield Found(path=path, status=status, parent=directory)
            if stat.S_ISDIR(status.st_mode):
                try:
                    inner = _open_directory(name, directory, path, depth=len(stack))
                except UnsafeTreeError:
                    if whole:
                        raise
                    continue
                stack.append((inner, f"{path}/", []))
                stack[-1][2].extend(_names(inner, path))
    finally:
        for descriptor, _, _ in stack:
            os.close(descriptor)


def find(root: Path, path: str) -> os.stat_result | None:
    """Return the status of a path below a root, None if missing or behind a link."""
    parent, name = _parent(root, path)
    if parent is None:
        return None
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except OSError:
        return None
    finally:
        os.close(parent)


def read_text(root: Path, path: str, *, largest: int) -> str | None:
    """Return a regular file below a root as text; None if missing, too large or behind a link."""
    parent, name = _parent(root, path)
    if parent is None:
        return None
    try:
        content = b"".join(_chunks(name, parent, path, largest))
    except (OSError, UnsafeTreeError):
        return None
    finally:
        os.close(parent)
    return content.decode("utf-8", "replace")


def copy_out(root: Path, name: str, to: Path, *, largest: int) -> str | None:
    """Copy a regular file of a directory; return its SHA-256, None if it is missing.

    Raises UnsafeTreeError if it is not a regular file, or larger than `largest` bytes.
    """
    directory = _open_root(root)
    digest = hashlib.sha256()
    try:
        target = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o400)
        try:
            with os.fdopen(target, "wb") as copy:
                for chunk in _chunks(name, directory, name, largest):
                    digest.update(chunk)
                    copy.write(chunk)
        except BaseException:
            to.unlink()
            raise
    except FileNotFoundError:
        return None
    finally:
        os.close(directory)
    return digest.hexdigest()


def printable(path: str) -> str:
    """Return a path for logs and comments, without control characters and undecodable bytes."""
    text = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in text)


def _open_root(root: Path) -> int:
    """Open one of our directories, whose permissions a program may have changed."""
    try:
        return os.open(root, _FLAGS | os.O_DIRECTORY)
    except OSError as error:
        raise UnsafeTreeError((f"`{root.name}` cannot be read ({error.strerror})",)) from error


def _parent(root: Path, path: str) -> tuple[int | None, str]:
    """Open the directory of a path, one component at a time."""
    *directories, name = path.split("/")
    try:
        current = _open_root(root)
    except UnsafeTreeError:
        return None, name
    for directory in directories:
        if directory in {"", "."}:
            continue
        try:
            inner = os.open(directory, _FLAGS | os.O_DIRECTORY, dir_fd=current)
        except OSError:
            return None, name
        finally:
            os.close(current)
        current = inner
    return current, name


def _names(directory: int, path: str) -> list[str]:
    """Return the names in a directory in reverse order."""
    with os.scandir(directory) as entries:
        names: list[str] = []
        for entry in entries:
            names.append(entry.name)
            if len(names) > MOST_ENTRIES:
                raise UnsafeTreeError((f"{printable(path) or 'the tree'}: more than {MOST_ENTRIES} entries",))
    return sorted(names, reverse=True)


def _open_directory(name: str, parent: int, path: str, *, depth: int) -> int:
    if depth >= DEEPEST:
        raise UnsafeTreeError((f"directories are nested deeper than {DEEPEST} levels",))
    try:
        return os.open(name, _FLAGS | os.O_DIRECTORY, dir_fd=parent)
    except OSError as error:
        raise UnsafeTreeError(
            (f"{printable(path)}: the directory cannot be read ({error.strerror})",)
        ) from error


def _chunks(name: str, parent: int, path: str, largest: int) -> Iterator[bytes]:
    try:
        descriptor = os.open(name, _FLAGS, dir_fd=parent)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnsafeTreeError((f"{printable(path)}: it cannot be read ({error.strerror})",)) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnsafeTreeError((f"{printable(path)}: it is not a regular file",))
        read = 0
        # A file with holes is larger than what it takes on the disk, so it is refused before it is copied.
        while status.st_size <= largest and (chunk := os.read(descriptor, _CHUNK)):
            read += len(chunk)
            if read > largest:
                break
            yield chunk
        if max(read, status.st_size) > largest:
            raise UnsafeTreeError((f"{printable(path)}: it is larger than {largest} bytes",))
    finally:
        os.close(descriptor)

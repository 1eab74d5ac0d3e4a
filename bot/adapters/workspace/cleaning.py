"""Removing what does not belong, in directories that untrusted programs have written to.

Blocking: run in a thread.

Nothing here follows a link or recurses as deep as a program pleases.
"""

from __future__ import annotations

import os
import stat
import uuid
from collections.abc import Mapping
from pathlib import Path

DIRECTORY, PROGRAM, FILE = 0o755, 0o755, 0o644
"""Permissions in a tree, as after an ordinary checkout; its own directory is closed to others.

Code may pack its files, and a plan and its apply must find equal content on every machine.
"""


def remove(path: Path) -> None:
    """Remove a file, link or directory, whatever its permissions and depth, if it exists.

    Directories two levels down are moved up before their parents are removed, so that no path grows too long.
    """
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    path.chmod(stat.S_IRWXU)
    while children := _children(path):
        for child in children:
            if child.is_dir(follow_symlinks=False):
                _remove_level(child, path)
            else:
                Path(child).unlink()
    path.rmdir()


def _remove_level(directory: os.DirEntry[str], top: Path) -> None:
    Path(directory).chmod(stat.S_IRWXU)
    for child in _children(directory):
        if child.is_dir(follow_symlinks=False):
            Path(child).chmod(stat.S_IRWXU)
            Path(child).rename(top / uuid.uuid4().hex)
        else:
            Path(child).unlink()
    Path(directory).rmdir()


def empty(directory: Path) -> None:
    """Make a directory exist, ours alone, with nothing in it."""
    if directory.is_symlink() or not directory.is_dir():
        remove(directory)
    directory.mkdir(exist_ok=True, mode=stat.S_IRWXU)
    directory.chmod(stat.S_IRWXU)
    for child in _children(directory):
        remove(Path(child))


def remove_strangers(tree: Path, kinds: Mapping[str, int]) -> None:
    """Remove everything that is not in `kinds`, or is of another kind.

    `kinds` is path -> `stat.S_IFREG` or `S_IFLNK`.
    """
    directories = _parents(kinds)
    if tree.is_symlink() or not tree.is_dir():
        empty(tree)
    todo = [""]
    while todo:
        inside = todo.pop()
        here = tree / inside
        here.chmod(DIRECTORY if inside else stat.S_IRWXU)
        for child in _children(here):
            path = f"{inside}{child.name}"
            if path in directories and child.is_dir(follow_symlinks=False):
                todo.append(f"{path}/")
            elif kinds.get(path) != stat.S_IFMT(child.stat(follow_symlinks=False).st_mode):
                remove(Path(child))


def make_directories(directory: Path) -> None:
    """Make a directory, and those above it that are missing, whatever this process's umask is."""
    missing = [each for each in (directory, *directory.parents) if not each.is_dir()]
    for each in reversed(missing):
        each.mkdir()
        each.chmod(DIRECTORY)


def _children(directory: Path | os.DirEntry[str]) -> list[os.DirEntry[str]]:
    with os.scandir(directory) as found:
        return list(found)


def _parents(paths: Mapping[str, int]) -> set[str]:
    parents: set[str] = set()
    for path in paths:
        parent = path.rpartition("/")[0]
        while parent and parent not in parents:
            parents.add(parent)
            parent = parent.rpartition("/")[0]
    return parents

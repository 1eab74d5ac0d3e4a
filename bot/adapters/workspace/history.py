"""Questions about sources: the texts of a bundle, and the commits between two releases."""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Mapping, Sequence

from bot.adapters.workspace.git import GitError
from bot.adapters.workspace.names import object_id
from bot.adapters.workspace.trees import TreeReader
from bot.domain.core.errors import WorkspaceError
from bot.domain.core.model import Sha
from bot.domain.trees.loose_trees import LooseTree, is_of_interest
from bot.domain.trees.plannable import LARGEST_POINTER
from bot.ports.sources import Commit

_MOST = 100
_LARGEST = 1_000_000
"""Bytes of one file that is read as text; a larger one holds no code that people wrote."""


def bundle_texts(bundle: bytes, directory: str) -> Mapping[str, str]:
    """Return file name -> text of the files directly in a directory of a bundle; blocking."""
    place = "tree" if directory == "." else f"tree/{directory}"
    found: dict[str, str] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(bundle), mode="r:gz") as archive:
            for info in archive:
                folder, _, name = info.name.rpartition("/")
                if folder == place and info.isreg() and info.size <= _LARGEST:
                    content = archive.extractfile(info)
                    found[name] = "" if content is None else content.read().decode("utf-8", "replace")
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise WorkspaceError("reading a source bundle: it is damaged") from error
    return found


def bundle_tree(bundle: bytes) -> LooseTree:
    """Return the files in the tree of a bundle; blocking."""
    contents: dict[str, bytes | None] = {}
    links: dict[str, str] = {}
    directories: set[str] = set()
    try:
        with tarfile.open(fileobj=io.BytesIO(bundle), mode="r:gz") as archive:
            for info in archive:
                part, _, path = info.name.partition("/")
                if part != "tree" or not path:
                    continue
                if info.isdir():
                    directories.add(path)
                elif info.issym():
                    links[path] = info.linkname
                elif info.isreg():
                    contents[path] = _content(archive, info, path)
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise WorkspaceError("reading a source bundle: it is damaged") from error
    full = {path.rpartition("/")[0] for path in (*contents, *links, *directories)}
    return LooseTree(contents=contents, links=links, empty=frozenset(directories - full))


def _content(archive: tarfile.TarFile, info: tarfile.TarInfo, path: str) -> bytes | None:
    largest = _LARGEST if is_of_interest(path) else LARGEST_POINTER
    content = archive.extractfile(info) if info.size <= largest else None
    return None if content is None else content.read()


async def commits(
    reader: TreeReader, *, newer: Sequence[Sha], older: Sequence[Sha]
) -> Sequence[Commit] | None:
    """Return the commits that `newer` have and `older` have not.

    None where one of them is not there.
    """
    try:
        log = await reader.git.run(
            "reading the history",
            f"--git-dir={reader.mirror}",
            "log",
            "--no-merges",
            f"--max-count={_MOST}",
            "--format=%H %s",
            *(object_id(sha) for sha in newer),
            "--not",
            *(object_id(sha) for sha in older),
            "--",
        )
    except GitError:
        return None
    lines = [line.partition(" ") for line in log.stdout.decode("utf-8", "replace").splitlines()]
    return [Commit(sha=Sha(sha), subject=subject) for sha, _, subject in lines]

"""Archives of reviewed trees and of the files that code added; blocking: run in a thread.

Equal content gives an equal archive. A tree is packed from git's objects; added files are packed as
`bot.adapters.workspace.left_behind` read them. No path or link of an archive may lead out of the slot.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import stat
import tarfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.untrusted import printable
from bot.adapters.workspace.cleaning import empty, make_directories
from bot.adapters.workspace.tree_rules import ERRORED_STATE, escapes
from bot.domain.core.errors import UnsafeTreeError, WorkspaceError
from bot.ports import OVERRIDE_FILE

LARGEST_BUNDLE = 1_000_000_000
"""Bytes of content, uncompressed, above which nothing is packed or unpacked."""
_LEVEL = 1
_TREE, _DATA = "tree", "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file, symbolic link or directory of an archive."""

    path: str
    kind: int
    """`stat.S_IFREG`, `S_IFLNK` or `S_IFDIR`."""
    mode: int = 0o644
    content: bytes = b""
    """The target of a link."""


def pack(members: Iterable[Member]) -> bytes:
    """Return a gzipped tar archive, the same for the same members.

    Raises UnsafeTreeError for links that lead out.
    """
    ordered = sorted(members, key=lambda member: member.path)
    links = {each.path: os.fsdecode(each.content) for each in ordered if each.kind == stat.S_IFLNK}
    _refuse_escaping(links)
    buffer, budget = io.BytesIO(), _Budget()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=_LEVEL, mtime=0, filename="") as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for member in ordered:
            budget.spend(len(member.content))
            archive.addfile(_info(member), io.BytesIO(member.content))
    return buffer.getvalue()


def with_extra(bundle: bytes, extra: Mapping[str, str]) -> bytes:
    """Return a bundle with further text files; those that it has already must be the same."""
    members = {member.path: member for member in unpacked(bundle)}
    for path, text in extra.items():
        members[path] = Member(path=path, kind=stat.S_IFREG, content=text.encode())
    return pack(members.values())


def unpacked(bundle: bytes) -> list[Member]:
    """Return the files in a bundle.

    Raises WorkspaceError if it is damaged or would lead out of the slot.
    """
    found: dict[str, Member] = {}
    budget = _Budget()
    try:
        with tarfile.open(fileobj=io.BytesIO(bundle), mode="r:gz") as archive:
            for info in archive:
                member = _member(archive, info, budget)
                if member is None:
                    continue
                if member.path in found:
                    raise WorkspaceError(f"the bundle names {printable(member.path)} twice")
                found[member.path] = member
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise WorkspaceError("the bundle is damaged") from error
    _refuse_escaping(
        {path: os.fsdecode(one.content) for path, one in found.items() if one.kind == stat.S_IFLNK}
    )
    return list(found.values())


def write_tree(tree: Path, bundle: bytes) -> dict[str, str]:
    """Make a directory equal to a bundle.

    Returns path -> `sha256:…` of its files and links.
    """
    members = unpacked(bundle)
    empty(tree)
    _write_all(tree, members)
    return {each.path: content_id(each.content) for each in members if each.kind != stat.S_IFDIR}


def add_files(tree: Path, bundle: bytes) -> None:
    """Add the files of a bundle to a tree.

    WorkspaceError if a file exists already, or a path leads out of the tree.
    """
    members = unpacked(bundle)
    root = tree.resolve()
    for member in members:
        parent = (tree / member.path).parent
        if parent.exists() and not parent.resolve().is_relative_to(root):
            raise WorkspaceError(f"the bundle would write {printable(member.path)} through a link")
    _write_all(tree, members)


def content_id(content: bytes) -> str:
    """Return the id of a file's content."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class _Budget:
    """Limits the bytes of an archive, so that it can fill neither memory nor disk."""

    def __init__(self) -> None:
        self._left = LARGEST_BUNDLE

    def spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise WorkspaceError(f"the tree holds more than {LARGEST_BUNDLE} bytes, too much for a bundle")


def _info(member: Member) -> tarfile.TarInfo:
    info = tarfile.TarInfo(f"{_TREE}/{member.path}")
    info.mode = member.mode & 0o777
    if member.kind == stat.S_IFLNK:
        info.type, info.linkname = tarfile.SYMTYPE, os.fsdecode(member.content)
    elif member.kind == stat.S_IFDIR:
        info.type = tarfile.DIRTYPE
    else:
        info.size = len(member.content)
    return info


def _member(archive: tarfile.TarFile, info: tarfile.TarInfo, budget: _Budget) -> Member | None:
    """Return one member of the tree; None if it is not part of it."""
    part, _, path = info.name.partition("/")
    if part not in {_TREE, _DATA} or any(step in {"", ".", ".."} for step in path.split("/")):
        raise WorkspaceError(f"the bundle holds {printable(info.name)}, which is outside of the slot")
    mode = info.mode & 0o777
    if info.issym():
        member = Member(path=path, kind=stat.S_IFLNK, mode=mode, content=os.fsencode(info.linkname))
    elif info.isdir():
        member = Member(path=path, kind=stat.S_IFDIR, mode=mode)
    elif info.isreg():
        budget.spend(info.size)
        content = archive.extractfile(info)
        member = Member(path=path, kind=stat.S_IFREG, mode=mode, content=content.read() if content else b"")
    else:
        raise WorkspaceError(f"the bundle holds {printable(info.name)}, which is not a file")
    # Bundles of earlier versions also held the data directory and the engine's own backend file; neither is the tree.
    # A file with this name would be mistaken for a state that could not be saved.
    names = path.split("/")
    return None if part == _DATA or names[-1] == OVERRIDE_FILE or ERRORED_STATE in names else member


def _write_all(tree: Path, members: Iterable[Member]) -> None:
    """Links are made last, so that nothing is ever written through one.

    Then directories get their modes.
    """
    links: list[Member] = []
    modes: list[tuple[Path, int]] = []
    for member in sorted(members, key=lambda one: one.path):
        target = tree / member.path
        try:
            if member.kind == stat.S_IFLNK:
                links.append(member)
            elif member.kind == stat.S_IFDIR:
                make_directories(target)
                modes.append((target, member.mode & 0o777))
            else:
                _write(target, member)
        except (FileExistsError, NotADirectoryError) as error:
            raise WorkspaceError(f"{printable(member.path)} is there already") from error
    for member in links:
        target = tree / member.path
        make_directories(target.parent)
        try:
            target.symlink_to(os.fsdecode(member.content))
        except FileExistsError as error:
            raise WorkspaceError(f"{printable(member.path)} is there already") from error
    for directory, mode in reversed(modes):
        directory.chmod(mode)


def _write(target: Path, member: Member) -> None:
    make_directories(target.parent)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(member.content)
        os.fchmod(descriptor, member.mode & 0o777)


def _refuse_escaping(links: Mapping[str, str]) -> None:
    problems = tuple(
        f"{printable(path)}: the symbolic link points outside of the working directory."
        for path in sorted(links)
        if escapes(path, links)
    )
    if problems:
        raise UnsafeTreeError(problems)

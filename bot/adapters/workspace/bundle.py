"""Packing a slot and restoring it elsewhere, byte for byte. Blocking: run in a thread.

Provider binaries are left out, since the lock file pins them and init can fetch them again. Equal content gives an
equal archive. An archive holds what an untrusted program has written, so nothing in it may lead out of the slot.
"""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from bot.adapters.workspace.cleaning import empty, files_below, remove
from bot.adapters.workspace.tree_rules import ERRORED_STATE, escapes, printable
from bot.domain.errors import UnsafeTreeError, WorkspaceError
from bot.ports import OVERRIDE_FILE, Slot

LARGEST_BUNDLE = 1_000_000_000
"""Bytes of content, uncompressed, above which a slot is not packed or restored."""
_LEVEL = 1
_PROVIDERS = "providers"


def pack(slot: Slot) -> bytes:
    """Return tree and data directory as a gzipped tar archive."""
    return _packed(_parts(slot))


def pack_source(slot: Slot) -> bytes:
    """Return the tree alone, without what the engine wrote to find its state: it may be planned elsewhere."""
    return _packed({"tree": slot.tree}, without=OVERRIDE_FILE)


def _packed(parts: Mapping[str, Path], *, without: str | None = None) -> bytes:
    buffer = io.BytesIO()
    budget = _Budget()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=_LEVEL, mtime=0, filename="") as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, directory in parts.items():
            _pack_part(archive, name, directory, budget, without)
    return buffer.getvalue()


def unpack(slot: Slot, bundle: bytes) -> None:
    """Make tree and data directory what `pack` saw; provider binaries that are here already stay."""
    parts = _parts(slot)
    empty(parts["tree"])
    for child in parts["data"].iterdir():
        if child.name != _PROVIDERS or child.is_symlink():
            remove(child)
    try:
        with tarfile.open(fileobj=io.BytesIO(bundle), mode="r:gz") as archive:
            _unpack_all(archive, parts)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise WorkspaceError(f"restoring slot {slot.name}: the bundle is damaged") from error
    except FileExistsError as error:
        raise WorkspaceError(f"restoring slot {slot.name}: the bundle names a file twice") from error


class _Budget:
    """Counts bytes, so that neither a huge file nor a small archive of one can fill memory or disk."""

    def __init__(self) -> None:
        self._left = LARGEST_BUNDLE

    def spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise WorkspaceError(f"the slot holds more than {LARGEST_BUNDLE} bytes, too much for a bundle")


def _parts(slot: Slot) -> dict[str, Path]:
    return {"data": slot.data_dir, "tree": slot.tree}


def _pack_part(
    archive: tarfile.TarFile, name: str, directory: Path, budget: _Budget, without: str | None
) -> None:
    root = f"{directory}/"
    found = {
        path: entry
        for entry in _packable(name, directory)
        if entry.name != without and not _is_errored(path := entry.path.removeprefix(root))
    }
    links = {path: str(Path(entry).readlink()) for path, entry in found.items() if entry.is_symlink()}
    _refuse_escaping(links)
    for path in sorted(found):
        info = _describe(f"{name}/{path}", found[path].stat(follow_symlinks=False))
        if path in links:
            info.linkname = links[path]
            archive.addfile(info)
        elif info.isdir():
            archive.addfile(info)
        else:
            budget.spend(info.size)
            with Path(found[path]).open("rb") as content:
                archive.addfile(info, content)


def _is_errored(path: str) -> bool:
    """Whether it would be taken for a state that an apply has lost, which none that is planned or restored is."""
    return ERRORED_STATE in path.split("/")


def _packable(name: str, directory: Path) -> Iterator[os.DirEntry[str]]:
    """Sockets and the like are not restored, as they mean nothing without the process that made them."""
    providers = f"{directory}/{_PROVIDERS}"
    for entry in files_below(directory, strict=True):
        if name == "data" and (entry.path == providers or entry.path.startswith(f"{providers}/")):
            continue
        if entry.is_symlink() or entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False):
            yield entry


def _describe(name: str, status: os.stat_result) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mode = stat.S_IMODE(status.st_mode) & 0o777
    if stat.S_ISLNK(status.st_mode):
        info.type = tarfile.SYMTYPE
    elif stat.S_ISDIR(status.st_mode):
        info.type = tarfile.DIRTYPE
    else:
        info.size = status.st_size
    return info


def _refuse_escaping(links: Mapping[str, str]) -> None:
    problems = tuple(
        f"{printable(path)}: the symbolic link points outside of the working directory."
        for path in sorted(links)
        if escapes(path, links)
    )
    if problems:
        raise UnsafeTreeError(problems)


def _unpack_all(archive: tarfile.TarFile, parts: Mapping[str, Path]) -> None:
    """Links are made last, so that nothing is ever written through one; then directories get their modes."""
    links: dict[str, dict[str, str]] = {name: {} for name in parts}
    modes: list[tuple[Path, int]] = []
    budget = _Budget()
    for info in archive:
        part, path = _place(info, parts)
        if _is_errored(path):
            continue
        target = parts[part] / path
        if info.issym():
            links[part][path] = info.linkname
        elif info.isdir():
            target.mkdir(parents=True, exist_ok=True, mode=stat.S_IRWXU)
            modes.append((target, info.mode & 0o777))
        elif info.isreg():
            budget.spend(info.size)
            _write(archive, info, target)
        else:
            raise WorkspaceError(f"the bundle holds {printable(info.name)}, which is not a file")
    for part, found in links.items():
        _refuse_escaping(found)
        for path, aim in found.items():
            (parts[part] / path).symlink_to(aim)
    for directory, mode in reversed(modes):
        directory.chmod(mode)


def _place(info: tarfile.TarInfo, parts: Mapping[str, Path]) -> tuple[str, str]:
    part, _, path = info.name.partition("/")
    steps = path.split("/")
    if part not in parts or any(step in ("", ".", "..") for step in steps):
        raise WorkspaceError(f"the bundle holds {printable(info.name)}, which is outside of the slot")
    return part, path


def _write(archive: tarfile.TarFile, info: tarfile.TarInfo, target: Path) -> None:
    content = archive.extractfile(info)
    if content is None:
        raise WorkspaceError(f"the bundle holds no content for {printable(info.name)}")
    target.parent.mkdir(parents=True, exist_ok=True, mode=stat.S_IRWXU)
    fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(fd, "wb") as written:
        while chunk := content.read(1 << 20):
            written.write(chunk)
        os.fchmod(written.fileno(), info.mode & 0o777)

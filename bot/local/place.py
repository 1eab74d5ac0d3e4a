"""The private work directory of a stack, with a copy of its inputs.

The directory is the same each time, because absolute paths end up in plans. Terraform's data directory is kept between
commands: initialising a new one takes longer than planning a small module. Everything else, the plan file and the key
pair included, is removed at the end of a command.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.adapters.workspace.cleaning import FILE, PROGRAM, make_directories, remove, remove_strangers
from bot.adapters.workspace.locks import lock_within
from bot.adapters.workspace.tree_rules import ERRORED_STATE
from bot.domain.core.errors import GatewrightError
from bot.domain.core.model import Stack
from bot.domain.trees.selection import LOCK_FILE
from bot.local import words
from bot.ports import OVERRIDE_FILE, Slot

_PATIENCE = 2.0
"""Seconds in which a command that was killed may end."""


@contextmanager
def working_place(cache: Path, root: Path, stack: Stack) -> Iterator[Slot]:
    """Lock the directory of a stack; GatewrightError while it is in use or has an unsaved state."""
    cache = cache.expanduser().absolute()
    name = _name(root, stack.project, stack.state_key)
    place = cache / name
    if place.is_relative_to(root):
        raise GatewrightError(
            f"GATEWRIGHT_LOCAL_DIR must be outside of the checkout, got {cache}, which is inside the checkout"
        )
    for directory in (place, place / "tree"):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = lock_within(cache / f"{name}.lock", _PATIENCE)
    if lock is None:
        raise GatewrightError(f"another `gatewright local` is using {stack.label}: wait until it has ended")
    slot = Slot(
        name=name, tree=place / "tree", data_dir=place / "data", scratch=place / "scratch", lock_fd=lock
    )
    try:
        _empty(slot, stack)
        if lost := next((place for place, _, names in os.walk(slot.tree) if ERRORED_STATE in names), None):
            raise GatewrightError(words.lost_state(Path(lost, ERRORED_STATE), stack))
        yield slot
    finally:
        _empty(slot, stack)
        os.close(lock)


def lay_out(slot: Slot, root: Path, entries: Collection[str]) -> None:
    """Make the slot's tree an exact copy of these files and links of a checkout. Blocking."""
    try:
        _copy(slot.tree, root, entries)
    except OSError as error:
        raise GatewrightError(f"cannot copy the checkout: {error}") from error


def keep_lock_file(root: Path, stack: Stack, text: str | None) -> Path | None:
    """Write a new provider lock file into the checkout; None where nothing was written."""
    file = root / stack.directory / LOCK_FILE
    if text is None or file.exists():
        return None
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise GatewrightError(f"cannot write {file}: {error}") from error
    return file


def _copy(tree: Path, root: Path, entries: Collection[str]) -> None:
    kinds = {path: stat.S_IFMT((root / path).lstat().st_mode) for path in entries}
    remove_strangers(tree, kinds)
    for path, kind in kinds.items():
        place = tree / path
        make_directories(place.parent)
        remove(place)
        if kind == stat.S_IFLNK:
            place.symlink_to((root / path).readlink())
        else:
            shutil.copy2(root / path, place, follow_symlinks=False)
            # As in the server's checkout, independent of the developer's umask.
            place.chmod(PROGRAM if place.stat().st_mode & stat.S_IXUSR else FILE)


def _name(*parts: object) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:16]


def _empty(slot: Slot, stack: Stack) -> None:
    """Remove the files of one command, also those that a killed one left."""
    shutil.rmtree(slot.scratch, ignore_errors=True)
    (slot.tree / stack.directory / OVERRIDE_FILE).unlink(missing_ok=True)

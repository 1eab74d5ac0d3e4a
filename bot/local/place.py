"""Where a stack is worked on locally: a directory that nobody else sees, with a copy of what the stack is made of.

The copy is at the same place each time, since absolute paths end up in plans. The data directory is kept from one time
to the next, because an initialised one saves more than the plan of a small module costs. The rest, the plan file and
the key pair among it, is removed when the work has ended.
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
from bot.adapters.workspace.locks import try_lock
from bot.adapters.workspace.tree_rules import ERRORED_STATE
from bot.domain.errors import GatewrightError
from bot.domain.model import Stack
from bot.domain.selection import LOCK_FILE
from bot.local import words
from bot.ports import OVERRIDE_FILE, Slot


@contextmanager
def working_place(cache: Path, root: Path, stack: Stack) -> Iterator[Slot]:
    """Hold the place of a stack; GatewrightError while another command works there, or where it holds a lost state."""
    cache = cache.expanduser().absolute()
    name = _name(root, stack.project, stack.state_key)
    place = cache / name
    if place.is_relative_to(root):
        raise GatewrightError(f"{cache} is inside the checkout; GATEWRIGHT_LOCAL_DIR must be outside of it")
    for directory in (place, place / "tree"):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = try_lock(cache / f"{name}.lock")
    if lock is None:
        raise GatewrightError(f"another `gatewright local` works on {stack.label} just now")
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
    """Make the slot's tree a copy of these files and links of a checkout, and nothing else; blocking."""
    try:
        _copy(slot.tree, root, entries)
    except OSError as error:
        raise GatewrightError(f"the checkout cannot be copied: {error}") from error


def keep_lock_file(root: Path, stack: Stack, text: str | None) -> Path | None:
    """Put a provider lock file that init has made where it can be committed; None where there is one, or none at all."""
    file = root / stack.directory / LOCK_FILE
    if text is None or file.exists():
        return None
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise GatewrightError(f"{file} cannot be written: {error}") from error
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
            # As in the bot's checkout, whatever this person's umask is.
            place.chmod(PROGRAM if place.stat().st_mode & stat.S_IXUSR else FILE)


def _name(*parts: object) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:16]


def _empty(slot: Slot, stack: Stack) -> None:
    """Remove what is there for one command only, what a killed one has left behind too."""
    shutil.rmtree(slot.scratch, ignore_errors=True)
    (slot.tree / stack.directory / OVERRIDE_FILE).unlink(missing_ok=True)

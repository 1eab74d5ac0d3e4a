"""The directories in which Terraform works.

Handed out one holder at a time, reused, quarantined when they hold a state.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.untrusted import walk
from bot.adapters.workspace.cleaning import empty, remove
from bot.adapters.workspace.locks import try_lock
from bot.adapters.workspace.names import slot_name, stack_directory
from bot.adapters.workspace.tree_rules import ERRORED_STATE
from bot.domain.core.errors import UnsafeTreeError
from bot.domain.core.model import Stack
from bot.ports import PURPOSE_FILE, READS, Clock, Slot

_log = logging.getLogger(__name__)
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """All slots of this machine."""

    root: Path
    errored: Path
    trash: Path
    clock: Clock
    most_per_stack: int

    @asynccontextmanager
    async def hold(self, stack: Stack, name: str | None) -> AsyncIterator[Slot]:
        """Hold a free slot of the stack, or the named one; on the way out its scratch is emptied."""
        names = [slot_name(name)] if name is not None else [str(n) for n in range(self.most_per_stack)]
        place, fd = await self._first_free(self.root / stack_directory(stack), names)
        try:
            slot = await asyncio.to_thread(_open, place, fd)
        except BaseException:
            os.close(fd)
            raise
        try:
            yield slot
        finally:
            # The thread closes the lock itself: a cancelled wait must not free a slot that is being emptied.
            await asyncio.shield(asyncio.to_thread(self._release, place, fd))

    def quarantined(self) -> tuple[Path, ...]:
        """Return the slots that were set aside because Terraform could not save a state in them."""
        return tuple(sorted(self.errored.glob("*"))) if self.errored.is_dir() else ()

    def set_aside_free(self, stack: Stack) -> None:
        """Set aside the free slots of a stack that hold an errored state. Blocking."""
        for place in sorted((self.root / stack_directory(stack)).glob("*")):
            fd = _try_slot(place, create=False)
            if fd is not None:
                try:
                    self._set_aside(place)
                finally:
                    os.close(fd)

    def prune(self, older_than: float) -> list[Path]:
        """Remove free slots that were not used since the epoch time; blocking."""
        removed: list[Path] = []
        for place in sorted(self.root.glob("*/*")):
            fd = _try_slot(place, create=False)
            if fd is None:
                continue
            try:
                idle = os.fstat(fd).st_mtime < older_than
                if not self._set_aside(place) and idle:
                    self._throw_away(place)
                    removed.append(place)
            finally:
                os.close(fd)
        return removed

    def throw_away_trash(self) -> None:
        """Delete directories that a crash left half deleted; other processes may too; blocking."""
        with contextlib.suppress(OSError):
            empty(self.trash)

    async def _first_free(self, directory: Path, names: Sequence[str]) -> tuple[Path, int]:
        while True:
            for name in names:
                fd = await self._take(directory / name)
                if fd is not None:
                    return directory / name, fd
            await asyncio.sleep(_POLL_SECONDS)

    async def _take(self, place: Path) -> int | None:
        """Return the lock of a slot that is free and fit for use.

        One with a lost state is set aside first.
        """
        while True:
            fd = _try_slot(place, create=True)
            if fd is None:
                return None
            try:
                set_aside = await asyncio.to_thread(self._set_aside, place)
            except BaseException:
                os.close(fd)
                raise
            if not set_aside:
                return fd
            os.close(fd)

    def _release(self, place: Path, fd: int) -> None:
        try:
            now = self.clock.now().timestamp()
            os.utime(fd, (now, now))
            if not self._set_aside(place):
                empty(place / "scratch")
        finally:
            os.close(fd)

    def _set_aside(self, place: Path) -> bool:
        """Move a slot with an errored state aside; return whether there was one.

        The slot's lock must be held. An errored state in a slot where no program could change a state is a
        trap: recovering it by the commands of `/status` would push what the code of a pull request made up.
        """
        tree = place / "tree"
        found = _may_hold_a_state(tree)
        if found and _only_read(place / "scratch"):
            empty(tree)
            (place / "index").unlink(missing_ok=True)
            return False
        if not found:
            return False
        self.errored.mkdir(parents=True, exist_ok=True, mode=0o700)
        stamp = self.clock.now().strftime("%Y%m%dT%H%M%S%fZ")
        away = self.errored / f"{place.parent.name}--{place.name}-{stamp}"
        place.rename(away)
        _log.error("Terraform could not save a state; the slot is kept at %s until it is recovered.", away)
        return True

    def _throw_away(self, place: Path) -> None:
        self.trash.mkdir(parents=True, exist_ok=True, mode=0o700)
        away = self.trash / f"{place.parent.name}--{place.name}"
        remove(away)
        place.rename(away)
        remove(away)


def _may_hold_a_state(tree: Path) -> bool:
    if tree.is_symlink() or not tree.is_dir():
        return False
    try:
        return any(each.name == ERRORED_STATE and not each.is_directory for each in walk(tree, whole=False))
    except UnsafeTreeError:
        # The file cannot be read: it is kept after a change, and otherwise removed like any trap.
        return True


def _only_read(scratch: Path) -> bool:
    """Whether no program in a slot since it was taken could change a state.

    False if the slot has no note of it.
    """
    try:
        return (scratch / PURPOSE_FILE).read_text(encoding="utf-8") == READS
    except (OSError, ValueError):
        return False


def _try_slot(place: Path, *, create: bool) -> int | None:
    """Return the lock of a slot; None while it is held, or moved away at this very moment."""
    if create:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        return try_lock(place / "lock")
    except (FileNotFoundError, NotADirectoryError):
        return None


def _open(place: Path, fd: int) -> Slot:
    """Create the directories of a slot, and empty scratch after a killed process."""
    for part in ("tree", "data"):
        (place / part).mkdir(exist_ok=True, mode=0o700)
    empty(place / "scratch")
    return Slot(
        name=place.name,
        tree=place / "tree",
        data_dir=place / "data",
        scratch=place / "scratch",
        lock_fd=fd,
    )

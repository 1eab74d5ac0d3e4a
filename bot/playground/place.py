"""The directory of a playground, which one playground uses at a time."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from bot.adapters.workspace.locks import try_lock
from bot.domain.errors import GatewrightError

_LOCK, _ADDRESS = "lock", "address"
DEMO = "demo"
"""Where in a playground's directory the script plays, which may come before the playground itself."""
_OURS = frozenset({_LOCK, "secrets.json", DEMO})
"""By one of these a directory is known as one of an earlier start."""


class TakenError(GatewrightError):
    """Another playground is running in the directory."""


class Place:
    """Held from `take` to `release`; a playground that was killed holds nothing."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self._lock: int | None = None

    def take(self, *, reset: bool) -> None:
        """Hold the directory, and forget what earlier playgrounds left there when `reset`.

        GatewrightError for a directory with something else in it, which a reset would remove.
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = {child.name for child in self.directory.iterdir()}
        if found and found.isdisjoint(_OURS):
            raise GatewrightError(
                f"{self.directory} is no playground's directory: choose a new one with --dir"
            )
        self._lock = try_lock(self.directory / _LOCK)
        if self._lock is None:
            raise TakenError(self._taken())
        if reset:
            for child in self.directory.iterdir():
                if child.name != _LOCK:
                    shutil.rmtree(child) if child.is_dir() and not child.is_symlink() else child.unlink()

    def tell(self, url: str) -> None:
        """Note where people find the playground."""
        (self.directory / _ADDRESS).write_text(url, encoding="utf-8")

    def release(self) -> None:
        """Let another playground have it."""
        if self._lock is not None:
            (self.directory / _ADDRESS).unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    def _taken(self) -> str:
        try:
            at = f" at {(self.directory / _ADDRESS).read_text(encoding='utf-8')}"
        except FileNotFoundError:
            at = ""  # It is starting just now.
        return (
            f"a playground is running already in {self.directory}{at}. Use that one, or start another beside it:"
            ' make playground ARGS="--dir .playground-2 --port 8480"'
        )

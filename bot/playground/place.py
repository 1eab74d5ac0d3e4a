"""The directory of a playground; one playground uses it at a time."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from bot.adapters.workspace.locks import lock_within
from bot.domain.core.errors import GatewrightError
from bot.playground import s3

_LOCK, _ADDRESS = "lock", "address"
DEMO = "demo"
"""Subdirectory of the demo, which may be played before the playground is first started."""
_OURS = frozenset({_LOCK, "secrets.json", DEMO})
"""A directory with one of these is a playground's."""
S3 = "s3"
_PATIENCE = 2.0
"""Seconds in which a killed playground may end."""


class TakenError(GatewrightError):
    """Another playground is running in the directory."""


class Place:
    """A directory, locked from `take` to `release` or the end of the process."""

    def __init__(self, directory: Path, *, patience: float = _PATIENCE) -> None:
        self.directory = directory.resolve()
        self._patience = patience
        self._lock: int | None = None

    def take(self, *, reset: bool) -> None:
        """Lock the directory; `reset` deletes what earlier playgrounds left.

        Raises GatewrightError for a directory with other files, which a reset would delete.
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = {child.name for child in self.directory.iterdir()}
        if found and found.isdisjoint(_OURS):
            raise GatewrightError(
                f"{self.directory} has files that are not a playground's: name another directory with --dir"
            )
        self._lock = lock_within(self.directory / _LOCK, self._patience)
        if self._lock is None:
            raise TakenError(self._taken())
        if reset:
            self._until_store_ended()
            for child in self.directory.iterdir():
                if child.name != _LOCK:
                    shutil.rmtree(child) if child.is_dir() and not child.is_symlink() else child.unlink()

    def _until_store_ended(self) -> None:
        """Wait for the S3 server of a killed playground, which still writes what it has in memory."""
        lock = self.directory / S3 / s3.LOCK
        if lock.exists() and (held := lock_within(lock, s3.LOCK_SECONDS)) is not None:
            os.close(held)

    def tell(self, url: str) -> None:
        """Store the address of the playground."""
        (self.directory / _ADDRESS).write_text(url, encoding="utf-8")

    def release(self) -> None:
        """Unlock the directory."""
        if self._lock is not None:
            (self.directory / _ADDRESS).unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    def _taken(self) -> str:
        try:
            at = f" at {(self.directory / _ADDRESS).read_text(encoding='utf-8')}"
        except FileNotFoundError:
            at = ""  # It is still starting.
        return (
            f"a playground is already running in {self.directory}{at}: use that one, or start another beside it with"
            " --dir .playground-2 --port 8480"
        )

"""One process runs the workflows of a SQLite file; it resumes its own after a crash."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bot.engine.config import EngineError

_PATIENCE: Final = 2.0
"""Seconds in which a process that was killed just now may end."""
_POLL_SECONDS: Final = 0.1


class DatabaseFileLock:
    """A lock of the one process that runs workflows on a SQLite file; freed at its death."""

    def __init__(
        self, database: Path, *, patience: float = _PATIENCE, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._path = database.with_name(database.name + ".engine.lock")
        self._attempts = 1 + int(patience / _POLL_SECONDS)
        self._sleep = sleep
        self._fd: int | None = None

    def acquire(self) -> None:
        """Take the lock, or raise EngineError that names the process which has it; blocking."""
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not self._is_taken(fd):
            holder = os.pread(fd, 20, 0).decode(errors="replace").strip() or "unknown"
            os.close(fd)
            raise EngineError(
                f"Another Gatewright process (pid {holder}) already runs on this data directory "
                f"({self._path.parent}). Stop it, or use PostgreSQL for several processes."
            )
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._fd = fd

    def _is_taken(self, fd: int) -> bool:
        """Whether the lock could be taken; a server that was killed may take a moment to end."""
        for attempt in range(self._attempts):
            if attempt:
                self._sleep(_POLL_SECONDS)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            return True
        return False

    def release(self) -> None:
        """Release the lock; harmless when it is not held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

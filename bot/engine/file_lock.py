"""One process runs the workflows of a SQLite file; it resumes its own after a crash."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from bot.engine.config import EngineError


class DatabaseFileLock:
    """Held by the one process that runs workflows of a SQLite file; the system frees it when that dies."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + ".engine.lock")
        self._fd: int | None = None

    def acquire(self) -> None:
        """Take the lock, or raise EngineError that names the process which has it."""
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(fd, 20, 0).decode(errors="replace").strip() or "unknown"
            os.close(fd)
            raise EngineError(
                f"Another Gatewright process (pid {holder}) already runs on this data directory "
                f"({self._path.parent}). Stop it, or use PostgreSQL for several processes."
            ) from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._fd = fd

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

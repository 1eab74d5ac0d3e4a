"""A clock that several processes share and that can be put forward, so that an hour passes in minutes."""

from __future__ import annotations

import asyncio
import mmap
import struct
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_OFFSET: Final = struct.Struct("d")
_LOOK_SECONDS: Final = 0.02
"""Real seconds after which a process has seen at the latest that time has passed."""
FILE: Final = "clock"
"""Below the playground's directory, which is the parent of each process's own."""


class SharedClock:
    """Real time and what has been added to it; implements `bot.ports.Clock`."""

    def __init__(self, file: Path) -> None:
        """Use the file, which is created where it does not exist."""
        if not file.exists():
            file.write_bytes(_OFFSET.pack(0.0))
        with file.open("r+b") as opened:
            self._shared = mmap.mmap(opened.fileno(), _OFFSET.size)

    @property
    def offset(self) -> float:
        """Seconds that have been added."""
        return float(_OFFSET.unpack(self._shared[:])[0])

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass at once; one process does."""
        self._shared[:] = _OFFSET.pack(self.offset + seconds)

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        return datetime.fromtimestamp(self.epoch(), UTC)

    def epoch(self) -> float:
        """Return the seconds since the epoch."""
        return time.time() + self.offset

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic() + self.offset


class SharedTimeLoop(asyncio.SelectorEventLoop):
    """An event loop in whose sleeps and time limits the shared time passes."""

    def __init__(self, clock: SharedClock) -> None:
        super().__init__()
        self._clock = clock
        self._look()

    def time(self) -> float:
        """Return the shared time."""
        return self._clock.monotonic()

    def _look(self) -> None:
        """Wake up again and again: a wait that has begun knows nothing of a clock that is put forward."""
        if not self.is_closed():
            self.call_later(_LOOK_SECONDS, self._look)

"""The logs of runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from bot.domain.core.model import RunId


class RunLog(Protocol):
    """The log of one run while it is written."""

    def write(self, line: str) -> None:
        """Append one redacted line."""
        ...


class RunLogs(Protocol):
    """Logs of runs: live while they are written, stored when they are closed."""

    def open(self, run_id: RunId) -> RunLog:
        """Start or continue the log of a run."""
        ...

    async def cleanse(self, run_id: RunId, redact: Callable[[str], str]) -> None:
        """Redact the existing log again, with secrets that became known later."""
        ...

    async def store(self, run_id: RunId) -> str:
        """Store the log so far; returns the object key."""
        ...

    async def read(self, run_id: RunId) -> str | None:
        """Return the log so far, None if there is none."""
        ...


@dataclass(slots=True)
class LineSink:
    """Redacts with whatever is known to be secret by now, and writes to the run's log."""

    log: RunLog
    redact: Callable[[str], str] = field(repr=False)

    def __call__(self, line: str) -> None:
        """Write one line."""
        self.log.write(self.redact(line))

"""Log lines of active runs, shared between processes until the whole log is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.domain.core.model import RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class LogChunk:
    """Some lines of a run's log, encrypted."""

    run_id: RunId
    start: int
    """Number of earlier lines of the run."""
    lines: int
    data: bytes = field(repr=False)
    at: datetime


class LogChunkReader(Protocol):
    """Reads the shared lines so far."""

    async def log_chunks(self, run_id: RunId, *, after: int = 0, limit: int = 50) -> Sequence[LogChunk]:
        """Return chunks in order, without those that end at or before line `after`."""
        ...

    async def log_lines(self, run_id: RunId) -> int:
        """Return how many lines were shared."""
        ...


class LogChunkWriter(Protocol):
    """Sharing, and its end."""

    async def add_log_chunk(self, chunk: LogChunk) -> None: ...
    async def drop_log_chunks(self, run_id: RunId) -> None: ...

"""What is recorded of decisions and of people, for those who ask later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.gates import GateResult
from bot.domain.model import Login, RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """Somebody asked for an artifact of a run."""

    run_id: RunId
    name: str
    login: Login
    at: datetime
    allowed: bool
    """Whether it was handed out."""


class RunAuditReader(Protocol):
    """Reads inside one transaction."""

    async def gates(self, run_id: RunId) -> Sequence[GateResult]:
        """Return what every gate said just before the run would change something; empty before that."""
        ...

    async def downloads(self, run_id: RunId) -> Sequence[Download]:
        """Return who asked for artifacts of the run, oldest first."""
        ...

    async def is_session_ended(self, session: str) -> bool:
        """Whether somebody logged out of this session of the pages."""
        ...


class RunAuditWriter(Protocol):
    """Writes inside one transaction."""

    async def record_gates(self, run_id: RunId, results: Sequence[GateResult]) -> None:
        """Record what the gates said; a repeated step records it anew."""
        ...

    async def add_download(self, download: Download) -> None: ...
    async def end_session(self, session: str, *, now: datetime, until: datetime) -> None:
        """Remember that a session was ended until it would end by itself; forgets those that have."""
        ...

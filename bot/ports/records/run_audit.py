"""Records of decisions and of people, for the audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.core.accounts import Account
from bot.domain.core.model import RunId
from bot.domain.gates import GateResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A request for an artifact of a run."""

    run_id: RunId
    name: str
    by: Account
    at: datetime
    allowed: bool
    """Whether it was handed out."""


class RunAuditReader(Protocol):
    """The part of `Reader` that reads audits of runs."""

    async def gates(self, run_id: RunId) -> Sequence[GateResult]:
        """Return the results of all gates just before the change; empty before that."""
        ...

    async def downloads(self, run_id: RunId) -> Sequence[Download]:
        """Return who requested artifacts of the run, oldest first."""
        ...

    async def is_session_ended(self, session: str) -> bool:
        """Whether this session of the pages was ended by a logout."""
        ...


class RunAuditWriter(Protocol):
    """The part of `Writer` that writes audits of runs."""

    async def record_gates(self, run_id: RunId, results: Sequence[GateResult]) -> None:
        """Record the results of the gates; a repeated step replaces them."""
        ...

    async def add_download(self, download: Download) -> None: ...
    async def end_session(self, session: str, *, now: datetime, until: datetime) -> None:
        """Record that a session was ended, until it expires; forgets those that have expired."""
        ...

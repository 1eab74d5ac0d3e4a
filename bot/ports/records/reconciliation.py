"""The records that the reconciler reads and writes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from bot.domain.core.model import DeliveryId, Sha
from bot.ports.records.values import Delivery


class ReconciliationReader(Protocol):
    """Reads recorded deliveries, repositories and heads."""

    async def unknown_deliveries(self, ids: Sequence[DeliveryId]) -> frozenset[DeliveryId]:
        """Return those that never arrived."""
        ...

    async def open_deliveries(self, before: datetime, *, limit: int) -> Sequence[Delivery]:
        """Return deliveries without an outcome that arrived before then, oldest first."""
        ...

    async def open_reports(self, repo: str, events: Sequence[str], *, limit: int) -> Sequence[Delivery]:
        """Return a repository's deliveries of these events without an outcome, oldest first."""
        ...

    async def queued_jobs(self, ids: Sequence[str]) -> frozenset[str]:
        """Return those that were ever queued; a run that waits for its turn was not."""
        ...

    async def planned_heads(self, repo: str) -> frozenset[tuple[int, Sha, int | None]]:
        """Return pull request, head and its number of every plan run of a repository.

        The number is None where an older version recorded the run.
        """
        ...

    async def closed_pulls(self, repo: str) -> frozenset[int]:
        """Return the pull requests that were closed, and not reopened, by their newest delivery."""
        ...

    async def newest_pull_event(self, repo: str, pull: int) -> tuple[DeliveryId, str] | None:
        """Return the newest delivery that opened, reopened or closed a pull request, and its action."""
        ...

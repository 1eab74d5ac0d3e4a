"""What the reconciler asks of the records."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from bot.domain.model import DeliveryId, Sha

if TYPE_CHECKING:
    from bot.ports.records import Delivery


class ReconciliationReader(Protocol):
    """What is known of deliveries, repositories and heads."""

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

    async def planned_heads(self, repo: str) -> frozenset[tuple[int, Sha]]:
        """Return pull request and head of every plan run of a repository."""
        ...

    async def newest_pull_event(self, repo: str, pull: int) -> tuple[DeliveryId, str] | None:
        """Return the newest delivery, with its action, that opened, reopened or closed a pull request."""
        ...

"""What GitHub could not deliver to the App."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.core.model import DeliveryId


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedDelivery:
    """One failed attempt to deliver a webhook."""

    id: int
    """Of the attempt; `guid` is that of the delivery, which every attempt shares."""
    guid: DeliveryId
    event: str
    at: datetime
    refused: bool
    """Whether this server refused the delivery; otherwise it could not be reached or failed."""


class Hooks(Protocol):
    """The App's own webhook, as GitHub sees it."""

    async def failed_deliveries(self, since: datetime) -> Sequence[FailedDelivery]:
        """Return failed attempts since then, newest first; of very many only the newest thousand."""
        ...

    async def redeliver(self, attempt: int) -> None:
        """Ask for another attempt.

        GitHubNotFoundError when GitHub has forgotten it (after three days).
        """
        ...

"""The queues of pull requests for shared environments, in order of arrival."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.core.accounts import Account
from bot.domain.core.model import Stack, StateKey
from bot.domain.plans.plan import Lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One pull request in the queue of one state."""

    sequence: int
    """The lowest is next; a number is never given twice."""
    stack: Stack
    pull: int
    actor: Account
    """Author of the push or command, and of the run that starts later."""
    since: datetime


class EnvironmentQueueReader(Protocol):
    """Reads of the queues and of all that is held."""

    async def waiting(
        self, *, state_key: StateKey | None = None, repo: str | None = None, pull: int | None = None
    ) -> Sequence[Waiting]:
        """Return the queued pull requests, oldest first; empty filters mean any."""
        ...

    async def all_locks(self) -> Sequence[Lock]:
        """Return every lock of every repository, oldest first."""
        ...


class EnvironmentQueueWriter(Protocol):
    """Writes of the queues."""

    async def wait_for(self, stack: Stack, pull: int, actor: Account, at: datetime) -> None:
        """Go to the end of the queue; who is in it already keeps the place."""
        ...

    async def stop_waiting(self, *, repo: str, pull: int, state_key: StateKey | None = None) -> None:
        """Leave one queue, or all of them; who is in none is not an error."""
        ...

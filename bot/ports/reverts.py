"""Reverts in the bot's database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bot.domain.model import PlanId, RunId, Stack
from bot.domain.revert import Revert


class RevertReader(Protocol):
    """Reads inside one transaction."""

    async def revert(self, run_id: RunId) -> Revert | None:
        """Return the revert that a run plans."""
        ...

    async def revert_of(self, plan_id: PlanId) -> Revert | None:
        """Return the revert that a plan belongs to."""
        ...

    async def reverts(self, stack: Stack, *, limit: int = 100) -> Sequence[Revert]:
        """Return the reverts of a stack that were planned, newest first (`stack` is compared by its state key)."""
        ...

    async def revert_opened_as(self, repo: str, pull: int) -> Sequence[Revert]:
        """Return the reverts that a pull request takes out of the base."""
        ...


class RevertWriter(RevertReader, Protocol):
    """Reads and writes inside one transaction."""

    async def add_revert(self, revert: Revert) -> None:
        """Record a revert; one per run."""
        ...

    async def set_revert(self, revert: Revert) -> None:
        """Record what became of a revert, all of it anew."""
        ...

"""Reverts in the bot's database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bot.domain.core.model import PlanId, RunId, Stack
from bot.domain.releases.revert import Revert


class RevertReader(Protocol):
    """The part of `Reader` that reads reverts."""

    async def revert(self, run_id: RunId) -> Revert | None:
        """Return the revert that a run plans."""
        ...

    async def revert_of(self, plan_id: PlanId) -> Revert | None:
        """Return the revert that a plan belongs to."""
        ...

    async def reverts(self, stack: Stack, *, limit: int = 100) -> Sequence[Revert]:
        """Return the planned reverts of a stack's state key, newest first."""
        ...

    async def revert_opened_as(self, repo: str, pull: int) -> Sequence[Revert]:
        """Return the reverts that a pull request takes out of the base."""
        ...


class RevertWriter(RevertReader, Protocol):
    """The part of `Writer` that writes reverts."""

    async def add_revert(self, revert: Revert) -> None:
        """Record a revert; one per run."""
        ...

    async def set_revert(self, revert: Revert) -> None:
        """Record the result of a revert; replaces the earlier record."""
        ...

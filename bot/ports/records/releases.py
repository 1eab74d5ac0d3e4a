"""Releases and verifications in the bot's database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from bot.domain.core.model import PlanId, RunId, Stack
from bot.domain.releases.release import Release, Verification


class ReleaseReader(Protocol):
    """The part of `Reader` that reads releases and verifications."""

    async def release(self, plan_id: PlanId) -> Release | None: ...
    async def releases(
        self, stack: Stack, *, inputs_digest: str | None = None, limit: int = 50
    ) -> Sequence[Release]:
        """Return the releases of a stack, newest first (`stack` is compared by its state key)."""
        ...

    async def verification(self, run_id: RunId) -> Verification | None: ...
    async def verifications(
        self, stack: Stack, *, release: PlanId | None = None, limit: int = 50
    ) -> Sequence[Verification]:
        """Return the verifications of a stack, newest first, revoked ones too."""
        ...


class ReleaseWriter(ReleaseReader, Protocol):
    """The part of `Writer` that writes releases and verifications."""

    async def add_release(self, release: Release) -> None:
        """Record a release; the same plan is recorded once."""
        ...

    async def add_verification(self, verification: Verification) -> None:
        """Record a verification; one per run."""
        ...

    async def revoke_verifications(
        self, stack: Stack, *, why: str, at: datetime, release: PlanId | None = None
    ) -> int:
        """Revoke the passes of a stack, or of one of its releases; returns how many there were."""
        ...

"""Records of who is served, and of whose each state is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from bot.domain.core.model import Stack, StateKey
from bot.domain.core.repositories import TurnedAway
from bot.domain.state.owner import StateOwner


class RepositoryReader(Protocol):
    """The part of `Reader` that reads repositories."""

    async def repository_id(self, full_name: str) -> int | None:
        """Return the id to which a name is bound, None before its first delivery."""
        ...

    async def turned_away(self, *, limit: int = 100) -> Sequence[TurnedAway]:
        """Return the repositories whose deliveries are ignored, the newest first."""
        ...

    async def state_owner(self, bucket: str, key: StateKey) -> StateOwner | None: ...

    async def owner_and_repository(
        self, bucket: str, key: StateKey, full_name: str
    ) -> tuple[StateOwner | None, int | None]: ...
    async def state_owners(self, bucket: str) -> Sequence[StateOwner]:
        """Return the owner of every state, by key."""
        ...

    async def delivered_among(self, names: Collection[str], *, limit: int) -> Sequence[str]:
        """Return which of these repositories deliveries were about, the latest first.

        Names without regard to case.
        """
        ...


class RepositoryWriter(RepositoryReader, Protocol):
    """The part of `Writer` that writes repositories."""

    async def bind_repository(self, full_name: str, id: int, at: datetime) -> None:
        """Bind a name to an id, in place of the one before, and forget that it was turned away."""
        ...

    async def turn_away(self, full_name: str, id: int, *, why: str, sender: str | None, at: datetime) -> bool:
        """Count an ignored delivery; True for the first of a repository."""
        ...

    async def claim_state(self, owner: StateOwner) -> StateOwner:
        """Record the owner of a state that has none; returns the one that is now in force."""
        ...

    async def complete_owner(self, owner: StateOwner, now: StateOwner) -> None:
        """Note bucket, name and id of an owner as they are now.

        Some were not known, or it was renamed.
        """
        ...

    async def move_state(self, owner: StateOwner) -> None:
        """Record the owner of a state in place of the one before.

        Open plans of all others become stale.
        """
        ...

    async def forget_state_owner(self, bucket: str, key: StateKey) -> bool:
        """Remove the record of an owner; False when there was none."""
        ...


def owner_of(stack: Stack, *, bucket: str, repository_id: int | None, at: datetime) -> StateOwner:
    """Return the record that makes a stack the owner of its state."""
    return StateOwner(
        bucket=bucket,
        key=stack.state_key,
        repo=stack.repo,
        repository_id=repository_id,
        project=stack.project,
        env=stack.env,
        since=at,
    )

"""What restoring a state needs.

Its object with Terraform's own lock, its snapshots, and the record of restores.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.domain.core.model import RunId, StateKey
from bot.domain.state.restore import Restore
from bot.ports.records.values import StateVersion
from bot.ports.terraform import Backend


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The bytes at a state's place."""

    data: bytes | None = field(repr=False)
    """None where there is no object."""
    tag: str | None
    """The store's name for exactly this version of the object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateLock:
    """Terraform's own lock of a state, as the bot takes it."""

    id: str
    """The same for the same run, so that its successor knows it as its own."""
    who: str
    created: datetime


class StateObject(Protocol):
    """The object of one state, with the key pair of one purpose. Errors: StoreError."""

    async def lock(self, lock: StateLock) -> str | None:
        """Take Terraform's lock.

        Returns who else holds it; None when it is ours now.
        """
        ...

    async def unlock(self, lock: StateLock) -> None:
        """Free it where it is ours."""
        ...

    async def read(self) -> Stored:
        """Return the current object, readable or not."""
        ...

    async def write(self, data: bytes, *, over: Stored) -> None:
        """Replace exactly the object that was read; ObjectExistsError if it has changed since."""
        ...


class StateObjects(Protocol):
    """The bucket of the states."""

    def open(self, backend: Backend) -> AbstractAsyncContextManager[StateObject]:
        """Reach one state with the backend's key pair."""
        ...


class KeptStates(Protocol):
    """Snapshots in the bot's own bucket, and the lock of the state that they are of."""

    async def kept(self, object_key: str) -> bytes:
        """Return a snapshot; ObjectMissingError if it is gone, IntegrityError if it was changed."""
        ...

    async def lock_holder(self, key: StateKey) -> str | None:
        """Return who holds Terraform's own lock of this state, None when it is free."""
        ...


class RestoreReader(Protocol):
    """The part of `Reader` that reads restores of states."""

    async def restore(self, run_id: RunId) -> Restore | None:
        """Return the snapshot that a run restores."""
        ...

    async def snapshots(
        self, key: StateKey, *, serial: int | None = None, limit: int = 200
    ) -> Sequence[StateVersion]:
        """Return the versions of a state of which a readable copy was kept, newest first."""
        ...

    async def highest_serial(self, key: StateKey) -> int:
        """Return the highest serial on record for a state, of whatever lineage; 0 for none."""
        ...


class RestoreWriter(RestoreReader, Protocol):
    """The part of `Writer` that writes restores of states."""

    async def add_restore(self, restore: Restore) -> None:
        """Record a restore; one per run."""
        ...

    async def set_restore(self, restore: Restore) -> None:
        """Record the state that is about to be written."""
        ...

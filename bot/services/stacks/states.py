"""Reading states and keeping their versions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

from bot.domain.core.errors import UnreadableStateError
from bot.domain.core.model import Run, Sha, Stack, StateIdentity, StateKey
from bot.domain.core.refusals import Reason, Refusal
from bot.ports import Clock, Records, StateVersion


class States(Protocol):
    """The states in their bucket; read only."""

    async def read(self, key: StateKey) -> tuple[StateIdentity, bytes | None]:
        """Return identity and bytes of a state; `None` everywhere if there is no state.

        Raises UnreadableStateError if the object is not a state.
        """
        ...

    async def keep(self, key: StateKey, identity: StateIdentity, data: bytes) -> str:
        """Store an immutable snapshot; returns its object key."""
        ...

    async def keep_unreadable(self, key: StateKey, data: bytes) -> str:
        """Store an unreadable state byte for byte; returns its object key."""
        ...

    async def lock_holder(self, key: StateKey) -> str | None:
        """Return who holds Terraform's own lock of this state, None when it is free."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshots:
    """Takes a state version before and after every change."""

    states: States
    records: Records
    clock: Clock

    async def take(self, run: Run, moment: str, commit: Sha | None) -> StateVersion:
        """Snapshot the run's state and record it; `moment` is `before` or `after`.

        An unreadable state is an error before a change; after one, it is recorded.
        """
        data: bytes | None
        try:
            identity, data = await self.states.read(run.stack.state_key)
        except UnreadableStateError as error:
            if moment == "before":
                raise
            identity, data = unreadable(error.data), error.data
        return await self.record(run, moment, commit, identity=identity, data=data)

    async def record(
        self, run: Run, moment: str, commit: Sha | None, *, identity: StateIdentity, data: bytes | None
    ) -> StateVersion:
        """Keep these very bytes, readable or not, and record them as a version of the run's state."""
        key, object_key = run.stack.state_key, None
        if data and identity.serial is not None:
            object_key = await self.states.keep(key, identity, data)
        elif data:
            object_key = await self.states.keep_unreadable(key, data)
        version = StateVersion(
            state_key=key,
            identity=identity,
            object_key=object_key,
            commit=commit,
            actor=run.actor,
            run_id=run.id,
            moment=moment,
            taken_at=self.clock.now(),
        )
        async with self.records.write() as writer:
            await writer.add_state_version(version)
        return version


def terraform_locked(stack: Stack, holder: str) -> Refusal:
    """Refuse while some Terraform, an orphaned one too, may still write the state."""
    return Refusal(
        reason=Reason.LOCKED,
        sentence=f"Terraform's own lock of {stack.label} is held by {holder}.",
        next_command="wait for its end; where no Terraform runs any more, an operator releases the lock",
    )


def unreadable(data: bytes | None) -> StateIdentity:
    """Return the identity of bytes that are not a readable state."""
    return StateIdentity(serial=None, lineage=None, sha256=hashlib.sha256(data).hexdigest() if data else None)

"""Reading states and keeping their versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.domain.model import Run, Sha, StateIdentity, StateKey
from bot.ports import Clock, Records, StateVersion


class States(Protocol):
    """The states in their bucket; read only."""

    async def read(self, key: StateKey) -> tuple[StateIdentity, bytes | None]:
        """Return what the state says of itself and its bytes; `None` everywhere when there is no state."""
        ...

    async def keep(self, key: StateKey, identity: StateIdentity, data: bytes) -> str:
        """Store an immutable snapshot; returns its object key."""
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
        """Snapshot the run's state and record it; `moment` is `before` or `after`."""
        identity, data = await self.states.read(run.stack.state_key)
        key = None if data is None else await self.states.keep(run.stack.state_key, identity, data)
        version = StateVersion(
            state_key=run.stack.state_key,
            identity=identity,
            object_key=key,
            commit=commit,
            actor=run.actor,
            run_id=run.id,
            moment=moment,
            taken_at=self.clock.now(),
        )
        async with self.records.write() as writer:
            await writer.add_state_version(version)
        return version

"""Whose each state is.

Asked before anything is planned or changed, and recorded at the first use.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.domain.core.errors import StateOwnerError
from bot.domain.core.model import Stack
from bot.domain.core.refusals import Reason, Refusal
from bot.domain.state.owner import StateOwner, not_yours
from bot.ports import Clock, Reader, Records
from bot.ports.records.repositories import RepositoryReader, owner_of


@dataclass(frozen=True, slots=True, kw_only=True)
class StateOwners:
    """One owner per state of the bucket."""

    records: Records
    clock: Clock
    bucket: str

    async def claim(self, *stacks: Stack) -> None:
        """Make each stack the owner of its state where it has none.

        StateOwnerError names the owner where it has another.
        """
        for stack in stacks:
            await self._claim(stack)

    async def _claim(self, stack: Stack) -> None:
        async with self.records.read() as reader:
            owner, number = await reader.owner_and_repository(self.bucket, stack.state_key, stack.repo)
        if owner is None or self._is_to_be_completed(owner, stack, number):
            owner = await self._record(stack, number)
        if not owner.is_stack(stack, number):
            raise StateOwnerError(not_yours(owner, stack, number))

    async def _record(self, stack: Stack, number: int | None) -> StateOwner:
        wanted = owner_of(stack, bucket=self.bucket, repository_id=number, at=self.clock.now())
        async with self.records.write() as writer:
            owner = await writer.claim_state(wanted)
            if self._is_to_be_completed(owner, stack, number):
                await writer.complete_owner(owner, wanted)
        return owner

    def _is_to_be_completed(self, owner: StateOwner, stack: Stack, number: int | None) -> bool:
        """Whether the owner's record lacks known data, or has the repository's former name."""
        lacks = owner.bucket != self.bucket or (owner.repository_id is None and number is not None)
        return owner.is_stack(stack, number) and (lacks or owner.repo != stack.repo)

    async def foreign(self, reader: Reader, stacks: Iterable[Stack]) -> tuple[Stack, ...]:
        """Return the stacks whose states belong to others."""
        return tuple([stack for stack in stacks if await self._refusal(reader, stack) is not None])

    async def refusal(self, stacks: Iterable[Stack]) -> Refusal | None:
        """Return why none of these stacks may be used, None where each is free or the owner itself."""
        async with self.records.read() as reader:
            found = [await self._refusal(reader, stack) for stack in stacks]
        return next((each for each in found if each is not None), None)

    async def _refusal(self, reader: RepositoryReader, stack: Stack) -> Refusal | None:
        owner, number = await reader.owner_and_repository(self.bucket, stack.state_key, stack.repo)
        if owner is None or owner.is_stack(stack, number):
            return None
        return Refusal(reason=Reason.STATE_OWNER, sentence=not_yours(owner, stack, number))

"""States that Terraform could not save and that are not recovered yet."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bot.comments.runs.errored_state import InBucket, RescueView
from bot.domain.core.errors import GatewrightError, UnreadableStateError
from bot.domain.core.model import RunStatus, Stack, StateIdentity
from bot.domain.core.run_kinds import RESOURCE_CHANGES
from bot.ports import Clock, Records, Workspace
from bot.ports.records.errored_states import KeptState
from bot.services.runs.credentials import Credentials
from bot.services.stacks.states import States

_LOG = logging.getLogger(__name__)
_ENDED_BADLY: Final = (RunStatus.FAILED, RunStatus.INTERRUPTED, RunStatus.CANCELED, RunStatus.TIMED_OUT)
_MOST_LOOKED_AT: Final = 1000
"""Failed changes; failed or canceled plans are far more frequent and leave no state."""
_OVERLAP: Final = timedelta(hours=1)
"""An orphaned Terraform may end, and fail to save, long after its run was recorded as failed."""
_LOCK_ID = re.compile(r"lock id ([0-9a-fA-F-]{8,64})\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ErroredStates:
    """Records the errored states of this machine for all workers, and how to recover them."""

    records: Records
    clock: Clock
    machine: str
    """What an operator knows this machine by."""
    workspace: Workspace
    states: States
    credentials: Credentials

    async def unrecovered(self, stacks: Iterable[Stack]) -> tuple[RescueView, ...]:
        """Return the errored states of these stacks on any machine.

        Usually there is none, and then the object store is not read.
        """
        found: list[RescueView] = []
        for stack in stacks:
            await self.note(stack)
            async with self.records.read() as reader:
                kept = await reader.kept_states(stack.state_key)
            if kept:
                found += await self._unrecovered(stack, kept)
        return tuple(found)

    async def note(self, stack: Stack) -> None:
        """Record the errored states of a stack on this machine."""
        states = await self.workspace.errored_states(stack)
        if not states:
            return
        async with self.records.write() as writer:
            for state in states:
                kept = KeptState(
                    machine=self.machine,
                    path=str(state.path),
                    state_key=stack.state_key,
                    serial=state.serial,
                    lineage=state.lineage,
                    found_at=self.clock.now(),
                )
                await writer.keep_state(kept)

    async def _unrecovered(self, stack: Stack, kept: Sequence[KeptState]) -> list[RescueView]:
        identity, unread, holder = StateIdentity(serial=None, lineage=None, sha256=None), None, None
        try:
            holder = await self.states.lock_holder(stack.state_key)
            identity, _ = await self.states.read(stack.state_key)
        except UnreadableStateError:
            unread = InBucket.DAMAGED
        except GatewrightError as error:
            # The store is probably still unavailable, as it was for the run: show the recorded facts.
            _LOG.warning("the state of %s could not be looked at: %s", stack.state_key, error)
            unread = InBucket.UNKNOWN
        backend = self.credentials.backend(stack, purpose="apply")
        lock = _LOCK_ID.search(holder or "")
        return [
            RescueView(
                stack=stack,
                machine=one.machine,
                path=one.path,
                serial=one.serial,
                bucket=backend.bucket,
                region=backend.region,
                endpoint=backend.endpoint_url,
                lock_id=lock[1] if lock else None,
                in_bucket=unread or _in_bucket(one, identity),
            )
            for one in kept
            if not _is_recovered(one, identity)
        ]


@dataclass(slots=True, kw_only=True)
class Rounds:
    """Looks on this machine for the errored states of changes that failed."""

    records: Records
    errored_states: ErroredStates
    clock: Clock
    _since: datetime | None = field(default=None, init=False)

    async def look(self) -> None:
        """Record errored states: of all remembered changes the first time, then of the latest ones."""
        since, self._since = self._since, self.clock.now() - _OVERLAP
        async with self.records.read() as reader:
            runs = await reader.runs(kinds=RESOURCE_CHANGES, statuses=_ENDED_BADLY, limit=_MOST_LOOKED_AT)
        begun = {
            run.stack
            for run in runs
            if run.intent_at is not None and (since is None or run.intent_at > since)
        }
        for stack in begun:
            await self.errored_states.note(stack)


def _in_bucket(kept: KeptState, identity: StateIdentity) -> InBucket:
    """Compare a kept state with the one in the bucket, as `terraform state push` would.

    Without a lineage, any state is accepted.
    """
    if identity.serial is None:
        return InBucket.MISSING if kept.lineage else InBucket.OLDER
    return InBucket.OLDER if identity.lineage == kept.lineage else InBucket.OTHER_LINEAGE


def _is_recovered(kept: KeptState, identity: StateIdentity) -> bool:
    """Whether the state in the bucket is this one, or one over which it cannot be pushed.

    Terraform gives a state its lineage when it first saves it, so the first one of a stack may have none.
    """
    if identity.serial is None or not kept.lineage:
        return identity.serial is not None
    return identity.lineage == kept.lineage and identity.serial >= kept.serial

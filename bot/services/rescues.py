"""States that Terraform could not save and that nobody has recovered yet."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.comments.rescue import RescueView
from bot.domain.errors import GatewrightError
from bot.domain.model import Stack, StateIdentity
from bot.ports import Workspace
from bot.ports.rescue import ErroredState
from bot.services.jobs import Credentials
from bot.services.states import States

_LOG = logging.getLogger(__name__)
_LOCK_ID = re.compile(r"lock id ([0-9a-fA-F-]{8,64})\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescues:
    """Finds them on this machine, and what it takes to recover them."""

    workspace: Workspace
    states: States
    credentials: Credentials

    async def waiting(self, stacks: Iterable[Stack]) -> tuple[RescueView, ...]:
        """Return what is to be recovered of these stacks; usually nothing, and then no store is asked."""
        found: list[RescueView] = []
        for stack in stacks:
            kept = await self.workspace.errored_states(stack)
            if kept:
                found += await self._unrecovered(stack, kept)
        return tuple(found)

    async def _unrecovered(self, stack: Stack, kept: Iterable[ErroredState]) -> list[RescueView]:
        identity, holder = StateIdentity(serial=None, lineage=None, sha256=None), None
        try:
            identity, _ = await self.states.read(stack.state_key)
            holder = await self.states.lock_holder(stack.state_key)
        except GatewrightError as error:
            # The store is probably still away, which is how it came to this: tell what is known.
            _LOG.warning("the state of %s could not be looked at: %s", stack.state_key, error)
        backend = self.credentials.backend(stack, purpose="apply")
        lock = _LOCK_ID.search(holder or "")
        return [
            RescueView(
                stack=stack,
                path=str(one.path),
                serial=one.serial,
                bucket=backend.bucket,
                region=backend.region,
                endpoint=backend.endpoint_url,
                lock_id=lock[1] if lock else None,
            )
            for one in kept
            if not _is_recovered(one, identity)
        ]


def _is_recovered(kept: ErroredState, identity: StateIdentity) -> bool:
    """Whether the state in the bucket has it, or has gone beyond it so that it can no longer be pushed.

    Terraform gives a state its lineage when it first saves it, so the first one of a stack may have none.
    """
    if identity.serial is None or not kept.lineage:
        return identity.serial is not None
    return identity.lineage == kept.lineage and identity.serial >= kept.serial

"""Records by which people and pull requests keep out of one another's way.

Holds, locks' audit, waits, overrides.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from bot.domain.core.accounts import Account
from bot.domain.core.model import EnvName, PlanId, RunId, Sha, Stack, StateKey
from bot.domain.environments.waits import LockEvent, Outdated, Wait
from bot.domain.gates.freezes import Hold
from bot.domain.gates.overrides import Override


class CoordinationReader(Protocol):
    """The part of `Reader` that reads freezes, overrides and waiting pull requests."""

    async def holds(self, *, repo: str | None = None, env: EnvName | None = None) -> Sequence[Hold]:
        """Return the holds in force that reach a repository and an environment, oldest first.

        None for any.
        """
        ...

    async def lifted_holds(self, *, repo: str, env: EnvName, why: str) -> Sequence[Hold]:
        """Return the lifted freezes of an environment with this reason, oldest first."""
        ...

    async def lock_events(
        self, *, repo: str, pull: int | None = None, limit: int = 100
    ) -> Sequence[LockEvent]:
        """Return who took and gave which lock, newest first."""
        ...

    async def waits(self, state_key: StateKey, *, limit: int = 100) -> Sequence[Wait]:
        """Return who waits for a state: first those whose apply was refused, the longest wait first."""
        ...

    async def paused(self, *, repo: str, pull: int) -> Sequence[Wait]:
        """Return the stacks of a pull request whose plans are paused by a revert, oldest first."""
        ...

    async def unshown_plans(
        self, *, repo: str, pull: int | None = None, limit: int = 100
    ) -> Sequence[PlanId]:
        """Return the plans whose comments do not yet show what became of them, oldest first."""
        ...

    async def unshown_repositories(self) -> Sequence[str]:
        """Return the repositories that have such plans, by name."""
        ...

    async def overrides(self, *, repo: str, pull: int) -> Sequence[Override]:
        """Return every override of a pull request, oldest first."""
        ...

    async def approvals_void_before(self, repo: str, pull: int) -> datetime | None:
        """Return until when given approvals count no more; None where nothing made them void."""
        ...


class CoordinationWriter(CoordinationReader, Protocol):
    """The part of `Writer` that writes freezes, overrides and waiting pull requests."""

    async def add_hold(self, hold: Hold) -> Hold:
        """Record a hold; returns it with its number."""
        ...

    async def lift_hold(self, number: int, *, by: Account, at: datetime, why: str) -> None:
        """Record the end of a hold; one that has ended already is not changed."""
        ...

    async def add_lock_event(self, event: LockEvent) -> None: ...
    async def add_wait(self, wait: Wait) -> None:
        """Record who waits.

        A pending revert outranks all, a refusal a stale plan, else the first one stays.
        """
        ...

    async def end_wait(self, number: int) -> None: ...
    async def end_waits(self, *, repo: str, pull: int) -> None:
        """Forget every wait of a pull request, for example because it was closed."""
        ...

    async def outdate(
        self,
        stacks: Sequence[Stack],
        *,
        pulls: Sequence[int] | None,
        why: str,
        but: PlanId | None = None,
        unless_base: Sha | None = None,
    ) -> Sequence[Outdated]:
        """Mark the open plans of stacks stale (compared by state key); return them.

        `pulls` limits it to some pull requests of the stack's repository, and to plans of their own code, not
        of reverts; `but` and the plans made from the base `unless_base` are kept.
        """
        ...

    async def mark_unshown(self, repo: str, pull: int, plan: PlanId, at: datetime) -> None: ...
    async def mark_all_unshown(self, at: datetime) -> None:
        """Mark the comments of all plans that can be applied as outdated, in every repository."""
        ...

    async def mark_shown(self, plan: PlanId) -> None: ...
    async def add_override(self, override: Override) -> Override:
        """Record an override; return it with its number."""
        ...

    async def confirm_override(self, number: int, *, by: Account, at: datetime) -> None: ...
    async def use_override(self, number: int, run: RunId) -> None: ...
    async def void_approvals(self, repo: str, pull: int, at: datetime) -> None:
        """Note that approvals given until now count no more."""
        ...

"""Records by which people and pull requests keep out of one another's way: holds, locks' audit, waits, overrides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from bot.domain.holds import Hold
from bot.domain.model import EnvName, Login, PlanId, RunId, Sha, Stack, StateKey
from bot.domain.overrides import Override
from bot.domain.waiting import LockEvent, Outdated, Wait


class CoordinationReader(Protocol):
    """Reads inside one transaction."""

    async def holds(self, *, repo: str | None = None, env: EnvName | None = None) -> Sequence[Hold]:
        """Return the holds in force that reach a repository and an environment, oldest first; None for any."""
        ...

    async def lifted_holds(self, *, repo: str, env: EnvName, why: str) -> Sequence[Hold]:
        """Return the holds of an environment that were lifted with exactly these words, oldest first."""
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
        """Return what is not planned on a pull request as long as a revert is pending, oldest first."""
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
    """Reads and writes inside one transaction."""

    async def add_hold(self, hold: Hold) -> Hold:
        """Record a hold; returns it with its number."""
        ...

    async def lift_hold(self, number: int, *, by: Login, at: datetime, why: str) -> None:
        """Record that a hold is in force no more; one that was lifted stays as it is."""
        ...

    async def add_lock_event(self, event: LockEvent) -> None: ...
    async def add_wait(self, wait: Wait) -> None:
        """Record who waits; a pending revert outranks all, a refusal a stale plan, else the first one stays."""
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
        """Mark the open plans of stacks stale (compared by state key), however many; returns which they were.

        `pulls` limits it to some pull requests of the stack's repository, and to plans of their own code, not of
        reverts; `but` stays as it is, as do those that were made from the base `unless_base`.
        """
        ...

    async def mark_unshown(self, repo: str, pull: int, plan: PlanId, at: datetime) -> None: ...
    async def mark_all_unshown(self, at: datetime) -> None:
        """Note that the comments of all plans that can be applied show something old, in every repository."""
        ...

    async def mark_shown(self, plan: PlanId) -> None: ...
    async def add_override(self, override: Override) -> Override:
        """Record a wish; returns it with its number."""
        ...

    async def confirm_override(self, number: int, *, by: Login, at: datetime) -> None: ...
    async def use_override(self, number: int, run: RunId) -> None: ...
    async def void_approvals(self, repo: str, pull: int, at: datetime) -> None:
        """Note that approvals given until now count no more."""
        ...

"""Stored plans without what they would do, for everybody who does not show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.core.model import PlanId, PlanLane, PlanStatus, Sha, Stack, StateOperation
from bot.domain.plans.plan import lane_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOutline:
    """What identifies a stored plan.

    Its summary, a megabyte for a thousand resources, was not read.
    """

    id: PlanId
    stack: Stack
    pull: int | None
    head_sha: Sha
    status: PlanStatus
    status_reason: str | None
    posted_at: datetime | None
    expires_at: datetime
    reverts_to: PlanId | None = None
    """The target release, for the plan of a revert."""
    operation: StateOperation | None = None
    head_number: int | None = None

    @property
    def lane(self) -> PlanLane:
        """Return the lane of the plan."""
        return lane_of(self.reverts_to, self.operation)


class OutlineReader(Protocol):
    """Plans at a glance."""

    async def plan_outlines(
        self,
        *,
        repo: str,
        pull: int | None = None,
        stack: Stack | None = None,
        statuses: Sequence[PlanStatus] = (),
        limit: int = 100,
    ) -> Sequence[PlanOutline]:
        """Return plans, newest first (`stack` compares repo, project and env)."""
        ...

    async def outlines_of(self, ids: Sequence[PlanId]) -> Sequence[PlanOutline]:
        """Return these plans, without those that do not exist, in no order."""
        ...

    async def pulls_planned_at(self, repo: str, head: Sha) -> tuple[int, ...]:
        """Return the pull requests with a plan of this commit that can still be applied, in order."""
        ...

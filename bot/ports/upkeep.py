"""What upkeep asks of the records: whose turn it is, and what is old enough to go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from bot.domain.model import PlanId, RunId


class Pruned(StrEnum):
    """What is gone from the object store while its row stays for the audit."""

    LOG = "log"
    """Of a run; the id is the run's."""
    PLAN = "plan"
    """Plan file, working directory and secrets of a plan; the id is the plan's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OldPlan:
    """A plan that can never be applied again and that no release can need."""

    id: PlanId
    bundle_key: str
    """Prefix of its objects, without a slash at the end."""


class UpkeepReader(Protocol):
    """Old things, a page at a time, oldest first; what was pruned before is left out."""

    async def old_logs(self, before: datetime, *, limit: int) -> Sequence[RunId]:
        """Return runs that ended before then, whose logs are still kept."""
        ...

    async def old_plans(self, before: datetime, *, limit: int) -> Sequence[OldPlan]:
        """Return plans that became useless before then, whose files are still kept."""
        ...


class UpkeepWriter(Protocol):
    """Whose turn it is, and what is gone."""

    async def take_turn(self, duty: str, *, at: datetime, every: timedelta) -> bool:
        """Whether nobody began this duty within the last `every`; then it is the caller's, recorded as of `at`."""
        ...

    async def mark_pruned(self, what: Pruned, ids: Sequence[str], at: datetime) -> None:
        """Record that the objects of these are gone; known ones stay as they are."""
        ...

    async def clear_payloads(self, before: datetime, *, limit: int) -> int:
        """Empty the bodies of handled deliveries that came before then; returns how many had one."""
        ...

"""The records that upkeep reads and writes: turns of workers, and old rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from bot.domain.core.model import PlanId, RunId


class Pruned(StrEnum):
    """Objects deleted from the object store; their rows stay for the audit."""

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
    """Reads old rows in pages, oldest first, without those pruned before."""

    async def old_logs(self, before: datetime, *, limit: int) -> Sequence[RunId]:
        """Return runs that ended before then, whose logs are still kept."""
        ...

    async def old_plans(self, before: datetime, *, limit: int) -> Sequence[OldPlan]:
        """Return plans that became useless before then, whose files are still kept."""
        ...


class UpkeepWriter(Protocol):
    """Records turns of workers, and pruned rows."""

    async def take_turn(self, duty: str, *, at: datetime, every: timedelta, by: str | None = None) -> bool:
        """Take the turn of a periodic task, unless a worker began it within the last `every`.

        A process that names itself in `by` ends its turn with `end_turn`; if it is killed or fails before,
        the task is due immediately. Without `by` the turn ends with this transaction.
        """
        ...

    async def end_turn(self, duty: str, *, at: datetime, by: str) -> None:
        """Note that the caller has done the duty whose turn it took."""
        ...

    async def mark_pruned(self, what: Pruned, ids: Sequence[str], at: datetime) -> None:
        """Record that the objects of these are gone; known ones stay as they are."""
        ...

    async def clear_payloads(self, before: datetime, *, limit: int) -> int:
        """Empty the bodies of handled deliveries received before then; return how many had one."""
        ...

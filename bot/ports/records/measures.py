"""The measured runs of environments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from bot.domain.measures.baseline import FactCount

Time = Literal["run_ms", "queue_ms"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FactFilter:
    """Which ended runs are counted."""

    repo: str
    env: str
    project: str | None = None
    """None for all projects."""
    since: datetime
    until: datetime
    """Not included."""


class MeasureReader(Protocol):
    """The part of `Reader` that reads measures."""

    async def fact_counts(self, wanted: FactFilter) -> Sequence[FactCount]:
        """Return the number of ended runs by their facts, at most some hundred rows."""
        ...

    async def times_at(self, wanted: FactFilter, time: Time, ranks: Iterable[int]) -> Mapping[int, int]:
        """Return rank -> time in milliseconds, among measured runs, from 1 for the shortest."""
        ...

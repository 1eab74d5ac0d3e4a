"""States that Terraform could not save."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bot.domain.core.model import StateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class ErroredState:
    """An `errored.tfstate` on this machine; never deleted automatically."""

    path: Path
    serial: int
    lineage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptState:
    """A record of an `errored.tfstate`, visible to all workers."""

    machine: str
    path: str
    state_key: StateKey
    serial: int
    lineage: str
    found_at: datetime


class ErroredStateReader(Protocol):
    """The part of `Reader` that reads states that Terraform could not save."""

    async def kept_states(self, key: StateKey) -> Sequence[KeptState]:
        """Return the recorded files for a state, oldest first."""
        ...


class ErroredStateWriter(Protocol):
    """The part of `Writer` that writes states that Terraform could not save."""

    async def keep_state(self, kept: KeptState) -> None:
        """Record a file; an existing record is kept."""
        ...

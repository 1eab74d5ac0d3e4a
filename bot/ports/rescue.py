"""States that Terraform could not save."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bot.domain.model import StateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class ErroredState:
    """An `errored.tfstate` on this machine; nothing here ever deletes it."""

    path: Path
    serial: int
    lineage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptState:
    """An `errored.tfstate` on some machine, as every worker knows of it."""

    machine: str
    path: str
    state_key: StateKey
    serial: int
    lineage: str
    found_at: datetime


class RescueReader(Protocol):
    """Reads inside one transaction."""

    async def kept_states(self, key: StateKey) -> Sequence[KeptState]:
        """Return what is kept of a state on any machine, oldest first."""
        ...


class RescueWriter(Protocol):
    """Writes inside one transaction."""

    async def keep_state(self, kept: KeptState) -> None:
        """Note where a state is kept; the first note stays."""
        ...

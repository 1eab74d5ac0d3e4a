"""States that Terraform could not save."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ErroredState:
    """An `errored.tfstate` on this machine; nothing here ever deletes it."""

    path: Path
    serial: int
    lineage: str

"""Commits of forks that a maintainer lets run."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from bot.domain.model import Login, Sha


class ForkReader(Protocol):
    """Reads inside one transaction."""

    async def is_allowed(self, repo: str, pull: int, head: Sha) -> bool:
        """Whether this very commit of a fork's pull request may run."""
        ...


class ForkWriter(Protocol):
    """Writes inside one transaction."""

    async def allow(self, repo: str, pull: int, head: Sha, *, by: Login, at: datetime) -> None:
        """Let one commit run; who allowed it first stays noted."""
        ...

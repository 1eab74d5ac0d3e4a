"""Commits of forks that a maintainer lets run."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from bot.domain.core.accounts import Account
from bot.domain.core.model import Sha


class ForkReader(Protocol):
    """The part of `Reader` that reads forks."""

    async def is_allowed(self, repo: str, pull: int, head: Sha) -> bool:
        """Whether this very commit of a fork's pull request may run."""
        ...


class ForkWriter(Protocol):
    """The part of `Writer` that writes forks."""

    async def allow(self, repo: str, pull: int, head: Sha, *, by: Account, at: datetime) -> None:
        """Let one commit run; who allowed it first stays noted."""
        ...

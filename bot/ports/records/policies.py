"""The recorded versions of the policies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.domain.core.model import Sha


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersion:
    """A valid policy that was read, once per repository and digest."""

    repo: str
    digest: str
    commit: Sha
    """The commit that it was read from first."""
    recorded_at: datetime
    in_force: bool
    """Whether it is the one that was read last."""
    text: str | None = field(default=None, repr=False)
    """None in lists."""


class PolicyReader(Protocol):
    """Versions of policies."""

    async def policy_in_force(self, repo: str) -> tuple[str, str] | None:
        """Return digest and text of the valid policy that was read last, in any process."""
        ...

    async def policy_versions(
        self, repo: str, *, limit: int, before: str | None = None
    ) -> Sequence[PolicyVersion]:
        """Return versions without their texts, newest first, only those recorded before a digest."""
        ...

    async def policy_version(self, repo: str, digest: str | None) -> PolicyVersion | None:
        """Return a version with its text; None for the one in force."""
        ...

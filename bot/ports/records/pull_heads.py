"""The heads of a pull request, numbered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bot.domain.core.heads import RecordedHead
from bot.domain.core.model import DeliveryId, PullRequest, Repo, Sha


class PullHeadReader(Protocol):
    """The part of `Reader` that reads heads of pull requests."""

    async def head(self, repo: str, pull: int) -> RecordedHead | None:
        """Return the newest recorded head of a pull request."""
        ...

    async def heads(self, repo: str, pull: int) -> Sequence[RecordedHead]:
        """Return every recorded head of a pull request, oldest first."""
        ...

    async def newest_heads(self, repo: str) -> Mapping[int, RecordedHead]:
        """Return pull request -> its newest recorded head."""
        ...


class PullHeadWriter(PullHeadReader, Protocol):
    """The part of `Writer` that writes heads of pull requests."""

    async def record_head(
        self, repo: str, pull: int, sha: Sha, at: datetime, *, delivery: DeliveryId | None = None
    ) -> int:
        """Record the current head; return its number.

        The number is new if the head differs from the last recorded one.
        """
        ...

    async def report_head(self, repo: str, pull: int, number: int, delivery: DeliveryId) -> None:
        """Note which delivery reported a recorded head, unless that is known."""
        ...


class HeadKnowledge(Protocol):
    """Records of heads from deliveries, because GitHub's answers lag behind them."""

    async def numbered(self, repo: Repo, pull: PullRequest) -> PullRequest:
        """Return a pull request of GitHub's answer at its newest known head, numbered."""
        ...

    async def listed(self, repo: Repo, pulls: Sequence[PullRequest]) -> Sequence[PullRequest]:
        """Return pull requests, as GitHub listed them, at their newest known heads; records nothing."""
        ...

    async def is_fresh(self, full_name: str, pull: int) -> bool:
        """Whether a delivery has just reported the pull request, so that GitHub may not have it yet."""
        ...

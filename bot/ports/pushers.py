"""Who pushed which commits and who reviewed which, as far as GitHub reported it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.core.model import Login, Repo, Sha
from bot.domain.gates.approvals import Review
from bot.domain.gates.pushes import Push


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityPage:
    """One page of a branch's activity, newest first."""

    pushes: Sequence[Push]
    cursor: str | None
    """Of the next page; None at the end."""


class Activity(Protocol):
    """What GitHub itself remembers of a branch."""

    async def activity(self, repo: Repo, ref: str, *, cursor: str | None = None) -> ActivityPage:
        """Return a page of who moved a branch; acts of deleted accounts and deletions are left out."""
        ...


class PusherReader(Protocol):
    """The part of `Reader` that reads who pushed."""

    async def pushers(self, repo: str, pull: int) -> frozenset[Login]:
        """Return who pushed to a pull request, as an older version recorded it."""
        ...

    async def seen_heads(self, repo: str, pull: int) -> frozenset[Sha]:
        """Return every head that a pull request is known to have had."""
        ...

    async def pushes(self, repo: str, *, ref: str, commits: Sequence[Sha]) -> Sequence[Push]:
        """Return the recorded pushes of a branch, and those to one of these commits."""
        ...

    async def activity_reads(self, repo: str, heads: Sequence[Sha]) -> Mapping[Sha, datetime]:
        """Return when the activity was last read for each of these heads.

        Those for which it never was are left out.
        """
        ...

    async def submitted_reviews(self, repo: str, pull: int) -> Sequence[Review]:
        """Return the reviews of a pull request as their deliveries reported them."""
        ...

    async def is_selected(self, repo: str, pull: int, head: Sha) -> bool:
        """Whether everything that this head touches was once asked to be planned."""
        ...


class PusherWriter(Protocol):
    """The part of `Writer` that writes who pushed."""

    async def add_push(self, repo: str, push: Push, *, source: str) -> None:
        """Record that a branch was moved, once, with the earliest time that is reported."""
        ...

    async def see_head(self, repo: str, pull: int, head: Sha) -> None:
        """Record a head that a pull request has had."""
        ...

    async def read_activity(self, repo: str, heads: Sequence[Sha], at: datetime) -> None:
        """Record that the activity was read for these heads."""
        ...

    async def add_review(self, repo: str, pull: int, review: Review) -> None:
        """Record a review as its delivery reported it; a known one stays as it was."""
        ...

    async def prune_pushes(self, before: datetime, *, limit: int) -> int:
        """Delete pushes from before then, but none of a branch that an open pull request has.

        Returns how many.
        """
        ...

    async def select(self, repo: str, pull: int, head: Sha) -> None:
        """Note that everything that this head touches was asked to be planned."""
        ...

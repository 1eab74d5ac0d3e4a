"""Records of the last written check runs on GitHub, and of the stacks that a head touches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.core.model import EnvName, ProjectName, Sha
from bot.ports.github import Check


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenCheck:
    """The newest check run of one name on one head."""

    repo: str
    key: str
    """The pull request, or the merge queue's group, with the number of its head and the name."""
    pull: int | None
    """None for a group of the merge queue."""
    number: int
    """Number of this check run; it grows if GitHub would not show a change on the last one."""
    remote_id: int | None
    """What GitHub calls it; None while it is being created."""
    check: Check | None
    """The shown content; None if another version of Gatewright wrote it."""
    made_at: datetime
    must_renew: bool = False
    """Whether a new check run is requested even without a change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchedStack:
    """A stack that the merge of a head would change."""

    project: ProjectName
    env: EnvName
    is_automatic: bool
    """Whether it is planned without a command (`autoplan`)."""


class CheckRunReader(Protocol):
    """The part of `Reader` that reads check runs."""

    async def written_check(self, repo: str, key: str) -> WrittenCheck | None:
        """Return the newest check run of a name on a head."""
        ...

    async def written_checks(self, repo: str, head: Sha) -> Sequence[WrittenCheck]:
        """Return the newest check runs of everything that a commit is the head of."""
        ...

    async def older_checks(self, repo: str, head: Sha) -> Mapping[int, frozenset[str]]:
        """Return pull request -> names of a commit's checks, as an older version recorded them."""
        ...

    async def incomplete_checks(self, *, before: datetime, limit: int) -> Sequence[WrittenCheck]:
        """Return the incomplete check runs that were made before a moment, oldest first."""
        ...

    async def touched(
        self, repo: str, pull: int, head: Sha, number: int | None
    ) -> Sequence[TouchedStack] | None:
        """Return the stacks that a head touches; None if unknown."""
        ...


class CheckRunWriter(Protocol):
    """The part of `Writer` that writes check runs."""

    async def put_check(self, written: WrittenCheck) -> None:
        """Record the content of a check run; the newest counts."""
        ...

    async def retire_check(self, repo: str, key: str) -> None:
        """Stop updating a check run; nothing waits for it any more."""
        ...

    async def renew_checks(self, repo: str, head: Sha, *, name: str | None = None) -> Sequence[WrittenCheck]:
        """Ask for new check runs of a commit, of one name or of all; returns those to be replaced."""
        ...

    async def take_check_turn(
        self, repo: str, head: Sha, holder: str, *, at: datetime, until: datetime
    ) -> bool:
        """Whether the caller, and no other worker, may write the checks of a commit until then."""
        ...

    async def end_check_turn(self, repo: str, head: Sha, holder: str) -> None:
        """Let the next one write the checks of a commit."""
        ...

    async def record_touched(
        self, repo: str, pull: int, head: Sha, number: int | None, stacks: Sequence[TouchedStack]
    ) -> None:
        """Record the stacks that a head touches; the newest counts."""
        ...

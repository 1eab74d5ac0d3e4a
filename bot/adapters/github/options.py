"""The settings of the GitHub adapter."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bot.domain.core.model import PullRequest, Repo
from bot.domain.core.write_buckets import WriteLimits
from bot.ports.records.pull_heads import HeadKnowledge
from bot.ports.write_ledger import WriteLedger

OnRequest = Callable[[str, str, int, float], None]
"""Called after each request: method, route template, status (0 without an answer), seconds."""


def ignore_request(_method: str, _route: str, _status: int, _seconds: float) -> None:
    """Do nothing."""


class Admitting(Protocol):
    """Decides which repositories GitHub may be asked about."""

    def require(self, owner: str, name: str | None) -> None:
        """Raise NotServedError for a repository or owner that the operator has not listed."""
        ...

    async def id_of(self, owner: str, name: str) -> int | None:
        """Return the id that a repository's tokens are limited to; None if only its name is known."""
        ...


class Everybody:
    """Admits every repository that the App is installed on."""

    def require(self, owner: str, name: str | None) -> None:
        """Refuse nothing."""

    async def id_of(self, _owner: str, _name: str) -> int | None:
        """Return None: no ids are recorded."""
        return None


class AsAnswered:
    """Takes GitHub's answers about heads unchanged."""

    async def numbered(self, _repo: Repo, pull: PullRequest) -> PullRequest:
        """Return the pull request unchanged."""
        return pull

    async def listed(self, _repo: Repo, pulls: Sequence[PullRequest]) -> Sequence[PullRequest]:
        """Return the pull requests unchanged."""
        return pulls

    async def is_fresh(self, _full_name: str, _pull: int) -> bool:
        """Return False: no deliveries are known."""
        return False


OnLimit = Callable[[str, int], None]
"""Called with a resource (`core`, `graphql`) and the remaining requests of its rate limit."""


def ignore_limit(_resource: str, _remaining: int) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Clock and sleep functions for waiting; tests replace them."""

    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    monotonic: Callable[[], float] = time.monotonic
    random: Callable[[], float] = random.random
    """A number in [0, 1), for jitter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Limits in seconds and counts; the defaults stay below GitHub's published limits."""

    base_url: str = "https://api.github.com"
    """REST base; `https://HOST/api/v3` for GitHub Enterprise Server."""
    user_agent: str = "gatewright"
    request_timeout: float = 30.0
    """Seconds for a single attempt."""
    patience: float = 120.0
    """Seconds for one call with all its retries; a longer wait fails with `retry_after`."""
    max_requests: int = 50
    """Concurrent requests; GitHub allows 100 per App, including those of other processes."""
    write_limits: WriteLimits | None = field(default_factory=WriteLimits)
    """The rates of writes per installation, which are sent one at a time; None for no limit."""
    ledger: WriteLedger | None = None
    """Counts the writes of all processes; None counts those of this process."""
    on_request: OnRequest = ignore_request
    on_limit: OnLimit = ignore_limit
    admitting: Admitting = field(default_factory=Everybody)
    heads: HeadKnowledge = field(default_factory=AsAnswered)
    """Heads that deliveries have reported, which GitHub's answers may not show yet."""

    @property
    def enterprise_server(self) -> bool:
        """Whether this is a GitHub Enterprise Server, which may lack newer features."""
        # GitHub documents this path for the REST API of its Enterprise Server.
        return self.base_url.rstrip("/").endswith("/api/v3")

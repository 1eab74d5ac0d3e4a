"""What may be decided about the way Gatewright talks to GitHub."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from bot.domain.write_buckets import WriteLimits
from bot.ports.write_ledger import WriteLedger

OnRequest = Callable[[str, str, int, float], None]
"""Told after each request: method, route template, status (0 when there was no answer), seconds."""


def ignore_request(_method: str, _route: str, _status: int, _seconds: float) -> None:
    """Count nothing."""


class Admitting(Protocol):
    """Says for which repositories anything is asked of GitHub."""

    def require(self, owner: str, name: str | None) -> None:
        """Raise NotServedError for a repository, or for an owner, that the operator has not listed."""
        ...

    async def id_of(self, owner: str, name: str) -> int | None:
        """Return the id to which a repository's tokens are narrowed, None where only its name is known."""
        ...


class Everybody:
    """Admits whatever the App is installed on."""

    def require(self, owner: str, name: str | None) -> None:
        """Refuse nothing."""

    async def id_of(self, _owner: str, _name: str) -> int | None:
        """Return None: the name is all that is known."""
        return None


OnLimit = Callable[[str, int], None]
"""Told what GitHub says of its limits: the resource (`core`, `graphql`) and how many requests are left."""


def ignore_limit(_resource: str, _remaining: int) -> None:
    """Note nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How time passes while waiting; tests put a time of their own here."""

    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    monotonic: Callable[[], float] = time.monotonic
    random: Callable[[], float] = random.random
    """A number in [0, 1), for jitter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Limits in seconds and counts; the defaults follow GitHub's published ones with room to spare."""

    base_url: str = "https://api.github.com"
    """REST base; `https://HOST/api/v3` for GitHub Enterprise Server."""
    user_agent: str = "gatewright"
    request_timeout: float = 30.0
    """Of a single attempt."""
    patience: float = 120.0
    """Of one call with all its waits and retries; a longer wait ends it with `retry_after`."""
    max_requests: int = 50
    """At the same time; GitHub allows 100 per App, other processes included."""
    write_limits: WriteLimits | None = field(default_factory=WriteLimits)
    """How much is written, one write at a time for each installation; None for as much as comes."""
    ledger: WriteLedger | None = None
    """Where the writes of all processes are counted; None counts those of this one."""
    on_request: OnRequest = ignore_request
    on_limit: OnLimit = ignore_limit
    admitting: Admitting = field(default_factory=Everybody)

    @property
    def enterprise_server(self) -> bool:
        """Whether it is a GitHub Enterprise Server, which may be older than what it is asked for."""
        return self.base_url.rstrip("/").endswith("/api/v3")

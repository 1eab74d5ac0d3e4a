"""The services that the composition root passes to the web server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import aiohttp
from aiohttp import web

from bot.domain.core.model import RunId
from bot.metrics import Metrics, QueueLoad
from bot.ports import Clock, Reader, Records, Writer
from bot.services.access.admission import Sender
from bot.services.pages.overview import Overview
from bot.services.pages.run_actions import RunActs
from bot.web.access import Visitors
from bot.web.events import IncomingEvent
from bot.web.sessions import Sessions

MAX_BODY: Final = 25 * 1024 * 1024
"""GitHub sends up to 25 MB and drops larger payloads itself."""

Check = Callable[[], Awaitable[object]]
"""Proves that a part works, or raises."""
Loads = Callable[[], Awaitable[Mapping[str, QueueLoad]]]
PassedOver = Callable[[Reader, IncomingEvent], Awaitable[str | None]]
Receive = Callable[[Writer, Sender], Awaitable[str | None]]
Remarks = Callable[[], Awaitable[Mapping[str, str]]]
Stranded = Callable[[], Awaitable[Sequence[object]]]


class Logs(Protocol):
    """Logs of runs, whichever machine writes them."""

    async def read(self, run_id: RunId) -> str | None:
        """Return the log so far, None if there is none."""
        ...

    async def lines(self, run_id: RunId, after: int = 0) -> Sequence[str]:
        """Return the shared lines of an active log, without its first `after` lines."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """The App's OAuth client, and where GitHub's login is."""

    client_id: str
    client_secret: str = field(repr=False)
    github_url: str
    """Web origin: `/login/oauth/authorize` and `/login/oauth/access_token` are under it."""
    api_url: str
    public_url: str
    """Where people reach this server; GitHub sends them back to `/login/callback` under it."""
    sessions: Sessions
    http: aiohttp.ClientSession = field(repr=False)
    """The program's own session; all users share it, so its cookie jar should be a `DummyCookieJar`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """The services of the run pages; without them there are none."""

    oauth: OAuth
    visitors: Visitors
    logs: Logs
    acts: RunActs
    overview: Overview


@dataclass(frozen=True, slots=True, kw_only=True)
class WebServices:
    """Everything that requests may reach."""

    records: Records
    clock: Clock
    metrics: Metrics
    version: str
    webhook_secret: str = field(repr=False)
    metrics_token: str = field(default="", repr=False)
    """Bearer token of `/metrics`; empty closes it (404)."""
    checks: Mapping[str, Check] = field(default_factory=dict)
    """Part -> its proof, for `/readyz`; the names are shown to everybody."""
    loads: Loads | None = None
    """Queue -> numbers of waiting and active jobs, for `/metrics`."""
    stranded: Stranded | None = None
    """Workflows that no process will run, for `/metrics`: alert on any."""
    receive: Receive | None = None
    """Returns why a delivery of a repository is ignored; None: every repository is served."""
    remarks: Remarks | None = None
    """Further remarks of `/readyz`, by name."""
    handled_events: frozenset[str] | None = None
    """Events worth a workflow; others are recorded as ignored. None: all are."""
    passed_over: PassedOver | None = None
    """Returns why an event needs no handling, and it is recorded as ignored. None: all are handled."""
    pages: Pages | None = None
    max_body: int = MAX_BODY
    """Bytes, after decompression."""
    body_seconds: float = 30.0
    """How long a webhook's body may take to arrive."""
    check_seconds: float = 3.0
    """How long one readiness check may take."""
    look_seconds: float = 0.5
    """How often a live log checks for new lines."""
    check_cache_seconds: float = 5.0
    """How long a readiness answer is good for: the page is open to everybody."""


SERVICES: Final = web.AppKey("services", WebServices)

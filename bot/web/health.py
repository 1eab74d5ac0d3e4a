"""`/healthz`, `/readyz`, `/metrics` and the front page."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from bot.domain.core.errors import GatewrightError
from bot.metrics import CONTENT_TYPE
from bot.web.pages.render import page
from bot.web.services import SERVICES, Check, WebServices
from bot.web.visits import current_visit

_log = logging.getLogger(__name__)


class Readiness:
    """The last answer, cached for a few seconds and refreshed by one caller at a time."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._until = 0.0
        self._answer: dict[str, str] = {}

    async def parts(self, services: WebServices) -> dict[str, str]:
        """Return part -> `ok` or `failed`; why it failed is only logged."""
        async with self._lock:
            loop = asyncio.get_running_loop()
            if loop.time() >= self._until:
                results = [_check(services, part, check) for part, check in services.checks.items()]
                self._answer = dict(zip(services.checks, await asyncio.gather(*results), strict=True))
                self._until = loop.time() + services.check_cache_seconds
            return self._answer


READINESS: Final = web.AppKey("readiness", Readiness)


async def _check(services: WebServices, part: str, check: Check) -> str:
    try:
        async with asyncio.timeout(services.check_seconds):
            await check()
    except Exception as error:  # noqa: BLE001 -- Whatever it is, this part is not ready.
        _log.warning("readiness: %s failed: %s: %s", part, type(error).__name__, error)
        return "failed"
    return "ok"


async def alive(request: web.Request) -> web.Response:
    """Answer 200 while the process serves requests at all."""
    return web.json_response({"status": "ok", "version": request.app[SERVICES].version})


async def ready(request: web.Request) -> web.Response:
    """Answer 200 when every part works, else 503 with the names of those that do not."""
    parts = await request.app[READINESS].parts(request.app[SERVICES])
    good = all(word == "ok" for word in parts.values())
    answer = {"status": "ok" if good else "failed", **parts, **await _remarks(request.app[SERVICES])}
    return web.json_response(answer, status=200 if good else 503)


async def _remarks(services: WebServices) -> Mapping[str, str]:
    """Return warnings for an operator; none where they cannot be read."""
    if services.remarks is None:
        return {}
    try:
        return await services.remarks()
    except GatewrightError:
        return {}


async def metrics(request: web.Request) -> web.Response:
    """Render the metrics for the bearer of the token; 404 where none is configured."""
    services = request.app[SERVICES]
    if not services.metrics_token:
        raise web.HTTPNotFound
    given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
    if not hmac.compare_digest(given, f"Bearer {services.metrics_token}".encode()):
        raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "Bearer"})
    loads = {} if services.loads is None else await services.loads()
    stranded = () if services.stranded is None else await services.stranded()
    services.metrics.queues(loads, stranded=len(stranded))
    return web.Response(body=services.metrics.render(), headers={"Content-Type": CONTENT_TYPE})


async def front(request: web.Request) -> web.Response:
    """Show the front page."""
    services = request.app[SERVICES]
    visit = await current_visit(request)
    return page(
        request,
        "front.html.j2",
        version=services.version,
        has_pages=services.pages is not None,
        session=None if visit is None else visit.session,
    )

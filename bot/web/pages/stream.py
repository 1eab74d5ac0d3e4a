"""`/runs/{id}/stream`: the lines of an active run, as server-sent events.

The id of an event is the number of lines up to its end, so a browser that reconnects continues at the same
place, on any process. Line ends are the only characters that could begin another field; each starts a new
`data:` field, and `plain` has removed the others that some parsers treat as line ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final

from aiohttp import web

from bot.domain.core.accounts import Account
from bot.domain.core.errors import GatewrightError
from bot.domain.core.model import Run
from bot.domain.core.run_lifecycle import TERMINAL
from bot.web.access import REMEMBERED
from bot.web.pages.finding import Found, find_run, plain
from bot.web.services import SERVICES, WebServices
from bot.web.visits import current_visit

_HEARTBEAT: Final = 15.0
"""Seconds of silence after which a comment is sent, so that no proxy closes the connection."""
_LONGEST: Final = 3600.0
"""Seconds after which a stream ends and the browser reconnects."""
_MOST: Final = 200
_MOST_OF_ONE: Final = 12
_EVENT_LINES: Final = 500
_NUMBER: Final = re.compile(r"[0-9]{1,12}")


class Streams:
    """The streams that are open; they end when the server does."""

    def __init__(self) -> None:
        self.closing = asyncio.Event()
        self._open: Counter[int | None] = Counter()

    @contextlib.contextmanager
    def one_more(self, account: Account) -> Iterator[None]:
        """Count a stream; 429 when the user, or everybody together, has too many."""
        if self._open[account.id] >= _MOST_OF_ONE or self._open.total() >= _MOST:
            raise web.HTTPTooManyRequests
        self._open[account.id] += 1
        try:
            yield
        finally:
            self._open[account.id] -= 1
            if not self._open[account.id]:
                del self._open[account.id]


STREAMS: Final = web.AppKey("streams", Streams)


async def close_streams(app: web.Application) -> None:
    """Let every stream end."""
    app[STREAMS].closing.set()


async def stream(request: web.Request) -> web.StreamResponse:
    """Send log lines until the run has ended; 401 without a login."""
    if request.app[SERVICES].pages is None:
        raise web.HTTPNotFound
    visit = await current_visit(request)
    if visit is None:
        raise web.HTTPUnauthorized
    found = await find_run(request, visit)
    after = _position(request)
    response = web.StreamResponse(headers={"X-Accel-Buffering": "no"})
    response.content_type = "text/event-stream"
    response.charset = "utf-8"
    with request.app[STREAMS].one_more(visit.session.account):
        # The client may leave, and a service may fail: the browser reconnects and gets the answer then.
        with contextlib.suppress(ConnectionError, GatewrightError, TimeoutError):
            await response.prepare(request)
            async with asyncio.timeout(_LONGEST):
                async for event in _events(request, found, after):
                    await response.write(event)
        return response


def _position(request: web.Request) -> int:
    given = request.headers.get("Last-Event-ID") or request.query.get("after", "0")
    return int(given) if _NUMBER.fullmatch(given) else 0


async def _events(request: web.Request, found: Found, after: int) -> AsyncIterator[bytes]:
    services, loop = request.app[SERVICES], asyncio.get_running_loop()
    position, status = after, found.run.status
    yield b"retry: 2000\n\n"
    asked, spoken = services.clock.now(), loop.time()
    while True:
        # The run is read before its lines: when it has ended, no line can come after those.
        run = await _now(services, found.run)
        for part in _parts(await found.visit.pages.logs.lines(run.id, position)):
            position += len(part)
            spoken = loop.time()
            yield _event("lines", part, position)
        if run.status in TERMINAL:
            yield _event("end", [run.status], position)
            return
        if run.status != status:
            status, spoken = run.status, loop.time()
            yield _event("status", [run.status], position)
        if loop.time() - spoken >= _HEARTBEAT:
            spoken = loop.time()
            yield b": still here\n\n"
        if await _is_closing(request.app[STREAMS], services.look_seconds):
            return
        if services.clock.now() - asked >= REMEMBERED:
            asked = services.clock.now()
            if not await _still_may(request, found):
                return


async def _now(services: WebServices, run: Run) -> Run:
    async with services.records.read() as reader:
        return await reader.run(run.id) or run


async def _still_may(request: web.Request, found: Found) -> bool:
    visit = await current_visit(request)
    return visit is not None and await visit.pages.visitors.may_read(visit.session.account, found.run)


async def _is_closing(streams: Streams, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return await streams.closing.wait()
    return False


def _parts(lines: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(lines), _EVENT_LINES):
        yield lines[start : start + _EVENT_LINES]


def _event(name: str, lines: Sequence[str], position: int) -> bytes:
    # A line cannot hold a line end, but the format must not depend on that.
    data = "".join(f"data: {plain(line).replace(chr(10), ' ')}\n" for line in lines)
    return f"event: {name}\nid: {position}\n{data}\n".encode("utf-8", "replace")

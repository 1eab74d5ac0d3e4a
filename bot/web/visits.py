"""Who sent a request: the browser's session, and forms that only our own pages can send."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from bot.web.services import SERVICES, Pages
from bot.web.sessions import SESSION_LIFE, Session

FIELD: Final = "token"
_FOREIGN: Final = frozenset({"cross-site", "same-site"})
_FORM: Final = "application/x-www-form-urlencoded"
_LONGEST: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A logged-in user at our pages."""

    pages: Pages
    session: Session


async def current_visit(request: web.Request) -> Visit | None:
    """Return who is logged in; None for the unknown and where there are no pages."""
    services = request.app[SERVICES]
    if services.pages is None:
        return None
    session = services.pages.oauth.sessions.session(request)
    if session is None:
        return None
    async with services.records.read() as reader:
        if await reader.is_session_ended(session.id):
            return None
    return Visit(pages=services.pages, session=session)


async def sender(request: web.Request) -> Visit:
    """Return the sender of a form; 401 without a login, 403 for a foreign form, 400 for none."""
    if request.headers.get("Sec-Fetch-Site") in _FOREIGN:
        raise web.HTTPForbidden
    visit = await current_visit(request)
    if visit is None:
        raise web.HTTPUnauthorized
    if request.content_type != _FORM or (request.content_length or 0) > _LONGEST:
        raise web.HTTPForbidden
    try:
        form = await request.post()
    except (LookupError, ValueError):
        # Its charset is none, or its bytes are not of that charset.
        raise web.HTTPBadRequest from None
    if not hmac.compare_digest(str(form.get(FIELD, "")).encode(), visit.session.token.encode()):
        raise web.HTTPForbidden
    return visit


async def end_session(request: web.Request, visit: Visit) -> None:
    """End a session everywhere: a copy of its cookie is worth nothing from now on."""
    services = request.app[SERVICES]
    now = services.clock.now()
    async with services.records.write() as writer:
        await writer.end_session(visit.session.id, now=now, until=now + SESSION_LIFE)

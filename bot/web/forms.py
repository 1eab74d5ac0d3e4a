"""Forms that only our own pages can send."""

from __future__ import annotations

import hmac
from typing import Final

from aiohttp import web

from bot.web.sessions import Session, Sessions

FIELD: Final = "token"
_FOREIGN: Final = frozenset({"cross-site", "same-site"})
_LONGEST: Final = 4096


async def sender(request: web.Request, sessions: Sessions) -> Session:
    """Return who sent the form; 401 when nobody is logged in, 403 when the form is not one of ours."""
    if request.headers.get("Sec-Fetch-Site") in _FOREIGN:
        raise web.HTTPForbidden
    session = sessions.session(request)
    if session is None:
        raise web.HTTPUnauthorized
    if (
        request.content_type != "application/x-www-form-urlencoded"
        or (request.content_length or 0) > _LONGEST
    ):
        raise web.HTTPForbidden
    form = await request.post()
    if not hmac.compare_digest(str(form.get(FIELD, "")).encode(), session.token.encode()):
        raise web.HTTPForbidden
    return session

"""Give every answer a request id and safe headers, and keep details out of errors."""

from __future__ import annotations

import logging
import secrets
from typing import Final

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.typedefs import Handler

from bot.domain.core.errors import GatewrightError
from bot.web.pages.render import error_page
from bot.web.services import SERVICES

_log = logging.getLogger(__name__)
REQUEST_ID: Final = web.RequestKey("request_id", str)
_WORDS: Final = {
    400: "the request is not understood",
    401: "a login or a token is needed",
    403: "this is not allowed",
    404: "not found, or you have no access",
    405: "this method is not allowed here",
    409: "this has changed in the meantime; look at the page again",
    413: "the body is too long",
    429: "too many pages of yours watch runs already; close one",
    500: "something went wrong; the log has it under this request id",
    503: "a service that is needed does not answer; try again later",
}
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a handler raised into an answer; only the log learns the details."""
    request[REQUEST_ID] = secrets.token_hex(8)
    try:
        return await handler(request)
    except web.HTTPException as answer:
        if answer.status < 400:  # noqa: PLR2004 -- Redirects are answers.
            raise
        return _error(request, answer.status, answer)
    except GatewrightError:
        _log.exception("request %s: a service failed", request[REQUEST_ID])
        return _error(request, 503)
    except ConnectionError:
        # The client left, so the answer is not read.
        return _error(request, 400)
    except Exception:  # noqa: BLE001 -- The one catch-all of the web part.
        _log.exception("request %s failed", request[REQUEST_ID])
        return _error(request, 500)


def _error(request: web.Request, status: int, cause: web.HTTPException | None = None) -> web.Response:
    """Return a page to browsers, JSON to others; of the cause only its status and safe headers."""
    word = _WORDS.get(status, "the request failed")
    is_api = request.path.startswith("/api/")
    if "text/html" in request.headers.get("Accept", "") and not is_api:
        response = error_page(request, status, word, request[REQUEST_ID])
    else:
        body = {"error": word, "request_id": request[REQUEST_ID]}
        response = web.json_response(body, status=status)
    for name in ("Allow", "WWW-Authenticate"):
        if cause is not None and name in cause.headers:
            response.headers[name] = cause.headers[name]
    for name, cookie in ({} if cause is None else cause.cookies).items():
        response.cookies[name] = cookie
    return response


async def harden(request: web.Request, response: web.StreamResponse) -> None:
    """Add the safe headers to every answer, except those that its handler has set."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["Server"] = "gatewright"
    response.headers["X-Request-Id"] = request.get(REQUEST_ID, "-")
    pages = request.app[SERVICES].pages
    if pages is not None and pages.oauth.public_url.startswith("https://"):
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")


class AccessLog(AbstractAccessLogger):
    """Log a line per request without its query, which may contain login codes."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Write the line."""
        facts = {
            "method": request.method,
            "path": request.path,
            "status": response.status,
            "bytes": response.body_length,
            "milliseconds": round(time * 1000, 1),
            "remote": request.remote,
            "agent": request.headers.get("User-Agent", "")[:200],
            "delivery": request.headers.get("X-GitHub-Delivery", "")[:36] or None,
            "request_id": response.headers.get("X-Request-Id"),
        }
        self.logger.info("request", extra=facts)

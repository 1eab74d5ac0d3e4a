"""`/login`, `/login/callback` and `/logout`, by GitHub's OAuth; its token is not kept."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import secrets
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import aiohttp
from aiohttp import web

from bot.domain.core.accounts import Account
from bot.domain.core.errors import GitHubError, GitHubUnavailableError
from bot.web.services import SERVICES, OAuth
from bot.web.sessions import Attempt, account_of
from bot.web.visits import end_session, sender

_log = logging.getLogger(__name__)
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)


def local_path(path: str) -> str:
    """Return `path` when it leads to a page of this server, else `/`."""
    parts = urlsplit(path) if path.isprintable() and path.isascii() and "\\" not in path else None
    inside = parts is not None and not parts.scheme and not parts.netloc and path.startswith("/")
    return path if inside and not path.startswith("//") else "/"


def login_address(path: str) -> str:
    """Return the login URL that returns to `path`."""
    return f"/login?{urlencode({'next': path})}"


async def begin(request: web.Request) -> web.Response:
    """Send the browser to GitHub."""
    oauth = _oauth(request)
    attempt = Attempt(
        state=secrets.token_urlsafe(24),
        verifier=secrets.token_urlsafe(48),
        next=local_path(request.query.get("next", "/")),
    )
    digest = hashlib.sha256(attempt.verifier.encode()).digest()
    query = {
        "client_id": oauth.client_id,
        "redirect_uri": _callback(oauth),
        "state": attempt.state,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        "allow_signup": "false",
    }
    response = _redirect(f"{oauth.github_url}/login/oauth/authorize?{urlencode(query)}")
    oauth.sessions.begin(response, attempt)
    return response


async def callback(request: web.Request) -> web.Response:
    """Accept GitHub's answer: 400 for another browser's login, 403 when the user declined."""
    oauth = _oauth(request)
    attempt = oauth.sessions.attempt(request)
    state = request.query.get("state", "")
    if attempt is None or not hmac.compare_digest(state.encode(), attempt.state.encode()):
        raise web.HTTPBadRequest
    code = request.query.get("code", "")
    account = await _who(oauth, code, attempt) if code else None
    if account is None:
        refusal = web.HTTPForbidden()
        oauth.sessions.give_up(refusal)
        raise refusal
    response = _redirect(local_path(attempt.next))
    oauth.sessions.complete(response, account)
    return response


async def logout(request: web.Request) -> web.Response:
    """End the session; only our own forms may do so (CSRF)."""
    visit = await sender(request)
    await end_session(request, visit)
    response = _redirect("/")
    visit.pages.oauth.sessions.end(response)
    return response


async def _who(oauth: OAuth, code: str, attempt: Attempt) -> Account | None:
    """Return the user's account, None for a refused code. Raises GitHubError."""
    form = {
        "client_id": oauth.client_id,
        "client_secret": oauth.client_secret,
        "code": code,
        "redirect_uri": _callback(oauth),
        "code_verifier": attempt.verifier,
    }
    json = {"Accept": "application/json"}
    try:
        address = f"{oauth.github_url}/login/oauth/access_token"
        async with oauth.http.post(
            address, data=form, headers=json, timeout=_TIMEOUT, allow_redirects=False
        ) as answer:
            token = (await _object(answer)).get("access_token")
        if not isinstance(token, str) or not token:
            return None
        bearer = {"Accept": "application/vnd.github+json", "Authorization": f"Bearer {token}"}
        async with oauth.http.get(
            f"{oauth.api_url}/user", headers=bearer, timeout=_TIMEOUT, allow_redirects=False
        ) as answer:
            user = await _object(answer)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise GitHubUnavailableError(f"logging in: {type(error).__name__}") from error
    return account_of(user.get("login"), user.get("id"))


async def _object(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    if answer.status != HTTPStatus.OK:
        raise GitHubError(f"logging in: GitHub answered {answer.status}", status=answer.status)
    value = await answer.json(content_type=None)
    return value if isinstance(value, dict) else {}


def _callback(oauth: OAuth) -> str:
    return f"{oauth.public_url}/login/callback"


def _oauth(request: web.Request) -> OAuth:
    pages = request.app[SERVICES].pages
    if pages is None:
        raise web.HTTPNotFound
    return pages.oauth


def _redirect(location: str) -> web.Response:
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": location})

"""Logging in with GitHub: the web flow of OAuth."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from aiohttp import web

from bot.playground.github.auth import Auth
from bot.playground.github.hub import Hub
from bot.playground.github.pages.rendering import page_response

CODE_SECONDS = 600
TOKEN_SECONDS = 8 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class _Code:
    login: str
    redirect_uri: str
    expires_at: float
    challenge: str
    """PKCE's challenge: the SHA-256 of the exchange's verifier; empty if none was requested."""


class OAuth:
    """`/login/oauth/…`. The person at the playground chooses the account to log in as."""

    def __init__(self, hub: Hub, auth: Auth) -> None:
        self._hub = hub
        self._auth = auth
        self._codes: dict[str, _Code] = {}

    def add_routes(self, app: web.Application) -> None:
        """The page, its form, and the exchange of a code for a token."""
        app.router.add_get("/login/oauth/authorize", self._ask)
        app.router.add_post("/login/oauth/authorize", self._grant)
        app.router.add_post("/login/oauth/access_token", self._exchange)

    def _callback(self, wanted: str | None) -> str:
        """The address to return to: the registered one, or one below it; 400 for another."""
        registered = self._hub.callback_url
        if registered is None:
            raise web.HTTPBadRequest(text="No callback URL is registered for this App.")
        if not wanted:
            return registered
        ours, theirs = urlsplit(registered), urlsplit(wanted)
        same = (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc)
        below = theirs.path == ours.path or theirs.path.startswith(ours.path.rstrip("/") + "/")
        if not same or not below or ".." in theirs.path:
            raise web.HTTPBadRequest(text="The redirect_uri is not associated with this application.")
        return wanted

    async def _ask(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("client_id") != self._hub.config.client_id:
            raise web.HTTPNotFound(text="Not Found")
        callback = self._callback(request.query.get("redirect_uri"))
        people = [account for account in self._hub.state.data.accounts.values() if account.type == "User"]
        target = urlsplit(callback)
        return page_response(
            self._hub,
            "login.html.j2",
            {
                "people": people,
                "callback": callback,
                "state": request.query.get("state", ""),
                "challenge": _challenge(request),
            },
            form_targets=(f"{target.scheme}://{target.netloc}",),
        )

    async def _grant(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        callback = self._callback(str(form.get("redirect_uri", "")))
        login = str(form.get("login", ""))
        account = self._hub.state.data.accounts.get(login.lower())
        if account is None or account.type != "User":
            raise web.HTTPBadRequest(text="No such account.")
        code = secrets.token_hex(10)
        self._codes[code] = _Code(
            login=account.login,
            redirect_uri=callback,
            expires_at=self._hub.clock() + CODE_SECONDS,
            challenge=str(form.get("code_challenge", "")),
        )
        parts = urlsplit(callback)
        query = [*parse_qsl(parts.query), ("code", code)]
        if form.get("state"):
            query.append(("state", str(form["state"])))
        raise web.HTTPFound(urlunsplit(parts._replace(query=urlencode(query))))

    async def _exchange(self, request: web.Request) -> web.StreamResponse:
        """Errors come with status 200, as GitHub sends them."""
        given = await self._fields(request)
        answer = self._token(given)
        if "application/json" in request.headers.get("Accept", ""):
            return web.json_response(answer)
        return web.Response(text=urlencode(answer), content_type="application/x-www-form-urlencoded")

    async def _fields(self, request: web.Request) -> dict[str, str]:
        if request.content_type == "application/json":
            try:
                body = await request.json()
            except ValueError:
                body = {}
            found = body if isinstance(body, dict) else {}
        else:
            found = dict(await request.post())
        return {str(name): str(value) for name, value in {**request.query, **found}.items()}

    def _token(self, given: dict[str, str]) -> dict[str, str | int]:
        config = self._hub.config
        known = secrets.compare_digest(given.get("client_secret", "").encode(), config.client_secret.encode())
        if given.get("client_id") != config.client_id or not known:
            return _error(
                "incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect."
            )
        code = self._codes.pop(given.get("code", ""), None)
        if code is None or code.expires_at <= self._hub.clock():
            return _error("bad_verification_code", "The code passed is incorrect or expired.")
        if given.get("redirect_uri", code.redirect_uri) != code.redirect_uri:
            return _error("redirect_uri_mismatch", "The redirect_uri MUST match the registered callback URL.")
        if code.challenge and not _fits(given.get("code_verifier", ""), code.challenge):
            return _error("bad_verification_code", "The code_verifier does not fit the code_challenge.")
        token = self._auth.issue_user_token(code.login, prefix="ghu", seconds=TOKEN_SECONDS)
        return {
            "access_token": token,
            "expires_in": TOKEN_SECONDS,
            "refresh_token": f"ghr_{secrets.token_hex(32)}",
            "refresh_token_expires_in": 15_897_600,
            "scope": "",
            "token_type": "bearer",
        }


def _challenge(request: web.Request) -> str:
    """The challenge of the request; GitHub knows S256 only."""
    if request.query.get("code_challenge_method", "S256") != "S256":
        raise web.HTTPBadRequest(text="The code_challenge_method is not supported.")
    return request.query.get("code_challenge", "")


def _fits(verifier: str, challenge: str) -> bool:
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return secrets.compare_digest(digest, challenge.encode())


def _error(code: str, text: str) -> dict[str, str | int]:
    return {"error": code, "error_description": text, "error_uri": "https://docs.github.com/apps"}

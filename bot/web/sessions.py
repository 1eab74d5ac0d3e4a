"""Who is logged in, kept in a cookie that only this server can read or make."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from aiohttp import web
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.domain.core.accounts import Account, Login
from bot.ports import Clock

_SESSION: Final = "gatewright_session"
_ATTEMPT: Final = "gatewright_login"
SESSION_LIFE: Final = timedelta(hours=8)
_ATTEMPT_LIFE: Final = timedelta(minutes=10)
_LEAST_KEY: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A login that was begun in this browser."""

    state: str
    verifier: str
    """PKCE's secret; its SHA-256 went to GitHub with the redirect."""
    next: str
    """Local path to go to afterwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A user who is logged in, in one browser."""

    id: str
    """Names it where it was ended before its time."""
    account: Account
    token: str
    """Every form of this session carries it back; no other site can know it."""


def account_of(login: object, id: object) -> Account | None:
    """Return the account, None unless both its login and its id are known."""
    if not isinstance(login, str) or not login or not isinstance(id, int) or isinstance(id, bool):
        return None
    return Account(login=Login(login), id=id)


class Sessions:
    """Makes and reads the two cookies: the login under way, and who is logged in."""

    def __init__(self, key: str, *, clock: Clock, secure: bool) -> None:
        """`key` has at least 32 characters, else ValueError; `secure` for https."""
        if len(key) < _LEAST_KEY:
            raise ValueError(f"The session key needs at least {_LEAST_KEY} characters.")
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"gatewright session").derive(
            key.encode()
        )
        self._fernet = Fernet(base64.urlsafe_b64encode(derived))
        self._clock = clock
        self._secure = secure

    def session(self, request: web.Request) -> Session | None:
        """Return the session of the browser, None without a login."""
        value = self._read(request, _SESSION, SESSION_LIFE)
        # A session of an older version does not say which account it is: the user logs in again.
        account = None if value is None else account_of(value.get("login"), value.get("account"))
        if value is None or account is None or not {"id", "token"} <= value.keys():
            return None
        return Session(id=str(value["id"]), account=account, token=str(value["token"]))

    def begin(self, response: web.Response, attempt: Attempt) -> None:
        """Remember the login under way in the browser."""
        value = {"state": attempt.state, "verifier": attempt.verifier, "next": attempt.next}
        self._write(response, _ATTEMPT, value, _ATTEMPT_LIFE)

    def attempt(self, request: web.Request) -> Attempt | None:
        """Return the login under way in this browser."""
        value = self._read(request, _ATTEMPT, _ATTEMPT_LIFE)
        return (
            Attempt(state=value["state"], verifier=value["verifier"], next=value["next"]) if value else None
        )

    def complete(self, response: web.Response, account: Account) -> None:
        """Log the user in, with a session that did not exist before."""
        value = {
            "id": secrets.token_urlsafe(16),
            "login": account.login,
            "account": account.id,
            "token": secrets.token_urlsafe(24),
        }
        self._write(response, _SESSION, value, SESSION_LIFE)
        self._delete(response, _ATTEMPT)

    def give_up(self, response: web.Response) -> None:
        """Forget the current login after an invalid answer, so that it is not tried twice."""
        self._delete(response, _ATTEMPT)

    def end(self, response: web.Response) -> None:
        """Log the user out."""
        self._delete(response, _SESSION)

    def _write(self, response: web.Response, name: str, value: dict[str, Any], life: timedelta) -> None:
        # The name is inside, so that one cookie cannot be passed off as the other.
        text = json.dumps({"cookie": name} | value).encode()
        token = self._fernet.encrypt_at_time(text, self._now())
        response.set_cookie(
            self._name(name),
            token.decode(),
            max_age=int(life.total_seconds()),
            path="/",
            httponly=True,
            secure=self._secure,
            samesite="Lax",
        )

    def _read(self, request: web.Request, name: str, life: timedelta) -> dict[str, Any] | None:
        token = request.cookies.get(self._name(name), "")
        try:
            text = self._fernet.decrypt_at_time(token, int(life.total_seconds()), self._now())
        except (InvalidToken, ValueError):  # The latter for letters that no token has.
            return None
        value: dict[str, Any] = json.loads(text)
        return value if value.get("cookie") == name else None

    def _delete(self, response: web.Response, name: str) -> None:
        response.del_cookie(self._name(name), path="/", httponly=True, secure=self._secure, samesite="Lax")

    def _name(self, name: str) -> str:
        # Browsers take a cookie of this prefix only from this very host, over https.
        return f"__Host-{name}" if self._secure else name

    def _now(self) -> int:
        return int(self._clock.now().timestamp())

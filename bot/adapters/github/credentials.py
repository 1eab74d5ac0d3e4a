"""The App's own signature, and short-lived installation tokens narrowed to what they are for."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

import jwt

from bot.adapters.github.call import Call
from bot.adapters.github.options import Admitting
from bot.adapters.github.sending import Sender
from bot.adapters.github.shapes import AccessToken, InstallationRef, parse
from bot.adapters.github.transport import Token
from bot.domain.errors import GitHubError, GitHubNotFoundError
from bot.domain.model import Repo
from bot.ports import Clock

_SKEW = timedelta(seconds=60)
"""GitHub refuses a JWT from the future; its clock and ours may differ by this much."""
_JWT_LIFE = timedelta(minutes=8)
_JWT_RENEWAL = timedelta(minutes=2)
_LEAST_LIFE = timedelta(minutes=10)
"""What every installation token handed out still has to live."""
_STALE = frozenset({404, 422})
"""Answers to a wrong installation: it is gone, or it does not hold the repository (any more)."""
_MOST_PAGES = 100
_PAGE = 100


class Profile(Enum):
    """What a token may do; a token never has more than the calls it is for need."""

    API = "api"
    GIT = "git"
    MEMBERS = "members"
    CHECKS = "checks"
    BRANCHES = "branches"
    ISSUES = "issues"

    @property
    def permissions(self) -> Mapping[str, str]:
        """The permissions to ask for, in GitHub's words."""
        return _PERMISSIONS[self]


_PERMISSIONS: Mapping[Profile, Mapping[str, str]] = {
    Profile.API: {
        "checks": "write",
        "contents": "read",
        "deployments": "write",
        "metadata": "read",
        "pull_requests": "write",
    },
    Profile.GIT: {"contents": "read"},
    # For the branch of a revert pull request alone; an installation that has not granted it loses nothing else.
    Profile.BRANCHES: {"contents": "write"},
    Profile.MEMBERS: {"members": "read"},
    # A token of its own: an installation that has not granted this yet loses one gate, and nothing else.
    Profile.CHECKS: {"checks": "read", "statuses": "read"},
    # Likewise: without it, what belongs into an issue is only told where people ask.
    Profile.ISSUES: {"issues": "write"},
}


class AppCredential:
    """Signs as the App with a JWT that is made anew shortly before it ends."""

    scope = "app"

    def __init__(self, app_id: str, private_key: str, clock: Clock) -> None:
        self._app_id = app_id
        self._private_key = private_key
        self._clock = clock
        self._made: Token | None = None
        self._made_at = clock.now()

    async def token(self) -> Token:
        """Return the JWT; GitHubError when the private key cannot be used."""
        age = self._clock.now() - self._made_at
        if self._made is None or not timedelta(0) <= age < _JWT_LIFE - _JWT_RENEWAL:
            self._made_at = self._clock.now()
            self._made = Token(value=self._sign(), is_app=True)
        return self._made

    def forget(self) -> None:
        """Sign anew next time."""
        self._made = None

    def _sign(self) -> str:
        claims = {
            "iat": int((self._made_at - _SKEW).timestamp()),
            "exp": int((self._made_at + _JWT_LIFE).timestamp()),
            "iss": self._app_id,
        }
        try:
            return jwt.encode(claims, self._private_key, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError) as error:
            raise GitHubError("signing as the App: the private key is not a usable RSA key in PEM") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenKey:
    """What one cached token is for; `name` None means every repository of the installation."""

    owner: str
    name: str | None
    profile: Profile
    instead: tuple[str, ...] = ()
    """Repositories that the token is for in place of `name`, which then only tells the installation."""

    @property
    def full_name(self) -> str:
        """Who or what it is for, in words."""
        return self.owner if self.name is None else f"{self.owner}/{self.name}"


class Installations:
    """Where the App is installed, remembered by repository (`owner/name`) and by owner."""

    def __init__(self, sender: Sender, app: AppCredential, admitting: Admitting) -> None:
        self._sender = sender
        self._app = app
        self._admitting = admitting
        self._known: dict[str, int] = {}

    def learn(self, repo: Repo) -> None:
        """Remember what a repository's value says, unless GitHub has told otherwise since."""
        for name in (repo.full_name, repo.owner):
            self._known.setdefault(name.lower(), repo.installation_id)

    def drop(self, key: TokenKey) -> None:
        """Forget an installation that GitHub no longer knows: the App was installed anew."""
        self._known.pop(key.full_name.lower(), None)

    async def of(self, owner: str, name: str | None) -> int:
        """Return the installation's id; GitHubNotFoundError when the App is not installed there, NotServedError when it is not listed."""
        self._admitting.require(owner, name)
        key = owner if name is None else f"{owner}/{name}"
        known = self._known.get(key.lower())
        if known is None:
            known = await (self._of_owner(owner) if name is None else self._of_repository(owner, name))
            self._known[key.lower()] = known
        return known

    async def _of_repository(self, owner: str, name: str) -> int:
        doing = f"looking for the App's installation on {owner}/{name}"
        route = "/repos/{owner}/{repo}/installation"
        call = Call(doing=doing, route=route, variables={"owner": owner, "repo": name})
        answer = await self._sender.send(call, self._app)
        return parse(InstallationRef, answer.data, doing).id

    async def _of_owner(self, owner: str) -> int:
        doing = f"looking for the App's installation on {owner}"
        route = "/app/installations{?per_page,page}"
        for page in range(1, _MOST_PAGES + 1):
            call = Call(doing=doing, route=route, variables={"per_page": _PAGE, "page": page})
            answer = await self._sender.send(call, self._app)
            for found in parse(list[InstallationRef], answer.data, doing):
                if found.account is not None and found.account.login.lower() == owner.lower():
                    return found.id
            if not answer.more:
                break
        raise GitHubNotFoundError(f"{doing}: the App is not installed there", status=404)


class Tokens:
    """Installation tokens by purpose; each is fetched once however many callers wait for it."""

    def __init__(self, sender: Sender, app: AppCredential, clock: Clock, admitting: Admitting) -> None:
        self.installations = Installations(sender, app, admitting)
        self._admitting = admitting
        self._sender = sender
        self._app = app
        self._clock = clock
        self._cached: dict[TokenKey, AccessToken] = {}
        self._locks: defaultdict[TokenKey, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, key: TokenKey) -> str:
        """Return a token with at least ten minutes to live; NotServedError for what is not listed."""
        self._admitting.require(key.owner, key.name)
        async with self._locks[key]:
            cached = self._cached.get(key)
            if cached is None or not self._lives(cached):
                cached = self._cached[key] = await self._fresh(key)
            return cached.token

    def forget(self, key: TokenKey) -> None:
        """Fetch a new token next time."""
        self._cached.pop(key, None)

    def _lives(self, token: AccessToken) -> bool:
        return token.expires_at - self._clock.now() >= _LEAST_LIFE

    async def _fresh(self, key: TokenKey) -> AccessToken:
        try:
            token = await self._fetch(key)
        except GitHubError as error:
            if error.status not in _STALE:
                raise
            token = await self._fetch_anew(key)
        if not self._lives(token):
            raise GitHubError(f"{_doing(key)}: it ends too soon; is this machine's clock right?")
        return token

    async def _fetch_anew(self, key: TokenKey) -> AccessToken:
        """Look for the installation again: the App may be installed anew, or the repository be transferred.

        A missing installation is not raised as GitHubNotFoundError, because callers take that for a missing
        file, user or comment.
        """
        self.installations.drop(key)
        try:
            return await self._fetch(key)
        except GitHubNotFoundError as error:
            raise GitHubError(f"{_doing(key)}: the App is not installed there", status=404) from error

    async def _fetch(self, key: TokenKey) -> AccessToken:
        installation = await self.installations.of(key.owner, key.name)
        body: dict[str, object] = {"permissions": dict(key.profile.permissions)}
        if key.name is not None:
            bound = None if key.instead else await self._admitting.id_of(key.owner, key.name)
            # Whatever has the name now, the token is good for the repository that was meant, and for no other.
            narrowed: dict[str, object] = (
                {"repository_ids": [bound]} if bound else {"repositories": [*key.instead] or [key.name]}
            )
            body |= narrowed
        call = Call(
            doing=_doing(key),
            method="POST",
            route="/app/installations/{installation_id}/access_tokens",
            variables={"installation_id": installation},
            body=body,
        )
        answer = await self._sender.send(call, self._app)
        return parse(AccessToken, answer.data, call.doing)


def _doing(key: TokenKey) -> str:
    wanted = ", ".join(f"{key.owner}/{name}" for name in key.instead) or key.full_name
    return f"asking for a token for {wanted} ({key.profile.value})"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationCredential:
    """Signs with the cached token of one purpose."""

    tokens: Tokens
    key: TokenKey

    @property
    def scope(self) -> str:
        """Rate limits are counted per installation, which is one per owner."""
        return self.key.owner.lower()

    async def token(self) -> Token:
        """Return the installation token."""
        return Token(value=await self.tokens.get(self.key))

    def forget(self) -> None:
        """Fetch a new token next time."""
        self.tokens.forget(self.key)

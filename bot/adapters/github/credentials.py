"""The App's JWT, and short-lived installation tokens with the least necessary permissions."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from http import HTTPStatus

import jwt

from bot.adapters.github.call import Call
from bot.adapters.github.options import Admitting
from bot.adapters.github.sending import Sender
from bot.adapters.github.shapes import AccessToken, InstallationRef, parse
from bot.adapters.github.transport import Token
from bot.domain.core.app_permissions import permission
from bot.domain.core.errors import GitHubError, GitHubNotFoundError, NotGrantedError
from bot.domain.core.model import Repo
from bot.ports import Clock

_SKEW = timedelta(seconds=60)
"""How far GitHub's clock may be behind ours; GitHub refuses a JWT from the future."""
_JWT_LIFE = timedelta(minutes=8)
_JWT_RENEWAL = timedelta(minutes=2)
_LEAST_LIFE = timedelta(minutes=10)
"""Minimum remaining lifetime of a returned installation token."""
_STALE = frozenset({404, 422})
"""Statuses that mean a wrong installation id: deleted, or without the repository."""
_WHERE = "Settings → GitHub Apps → Configure (`gatewright doctor` gives the address)"
_MOST_PAGES = 100
_PAGE = 100


class Profile(Enum):
    """A set of permissions for a token; each call uses the smallest one that suffices."""

    API = "api"
    GIT = "git"
    MEMBERS = "members"
    CHECKS = "checks"
    BRANCHES = "branches"
    DEPLOYMENTS = "deployments"
    ISSUES = "issues"

    @property
    def permissions(self) -> Mapping[str, str]:
        """The permissions to request, in GitHub's terms."""
        return _PERMISSIONS[self]


_PERMISSIONS: Mapping[Profile, Mapping[str, str]] = {
    Profile.API: {
        "checks": "write",
        "contents": "read",
        "metadata": "read",
        "pull_requests": "write",
    },
    Profile.GIT: {"contents": "read"},
    # For the branch of a revert pull request. A separate token, so that an installation that has not granted this
    # permission can do everything else.
    Profile.BRANCHES: {"contents": "write"},
    Profile.MEMBERS: {"members": "read"},
    # Likewise: without it, only one gate cannot be judged.
    Profile.CHECKS: {"checks": "read", "statuses": "read"},
    # Likewise: without it, GitHub shows no deployments.
    Profile.DEPLOYMENTS: {"deployments": "write"},
    # Likewise: without it, Gatewright opens no issues, and answers commands only.
    Profile.ISSUES: {"issues": "write"},
}


class AppCredential:
    """Signs as the App, with a JWT that is renewed shortly before it expires."""

    scope = "app"

    def __init__(self, app_id: str, private_key: str, clock: Clock) -> None:
        self._app_id = app_id
        self._private_key = private_key
        self._clock = clock
        self._made: Token | None = None
        self._made_at = clock.now()

    async def token(self) -> Token:
        """Return the JWT; raises GitHubError if the private key is not usable."""
        # A negative age means that the clock was set back.
        age = self._clock.now() - self._made_at
        if self._made is None or not timedelta(0) <= age < _JWT_LIFE - _JWT_RENEWAL:
            self._made_at = self._clock.now()
            self._made = Token(value=self._sign(), is_app=True)
        return self._made

    def forget(self) -> None:
        """Create a new JWT at the next call."""
        self._made = None

    def _sign(self) -> str:
        claims = {
            # Back-dated, in case GitHub's clock is behind ours.
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
    """The key of a cached token; `name` None means all repositories of the installation."""

    owner: str
    name: str | None
    profile: Profile
    instead: tuple[str, ...] = ()
    """The repositories of the token, if not `name`, which then only selects the installation."""

    @property
    def full_name(self) -> str:
        """The repository or owner, for messages."""
        return self.owner if self.name is None else f"{self.owner}/{self.name}"


class Installations:
    """Installation ids, cached by repository (`owner/name`) and by owner."""

    def __init__(self, sender: Sender, app: AppCredential, admitting: Admitting) -> None:
        self._sender = sender
        self._app = app
        self._admitting = admitting
        self._known: dict[str, int] = {}

    def learn(self, repo: Repo) -> None:
        """Cache the installation of a repository; does not replace what GitHub answered later."""
        for name in (repo.full_name, repo.owner):
            self._known.setdefault(name.lower(), repo.installation_id)

    def drop(self, key: TokenKey) -> None:
        """Remove an installation that GitHub no longer knows."""
        self._known.pop(key.full_name.lower(), None)

    async def of(self, owner: str, name: str | None) -> int:
        """Return the id of an installation.

        Raises GitHubNotFoundError if the App is not installed there, NotServedError if the repository or
        owner is not listed by the operator.
        """
        # Checked first, so that GitHub is never called for a repository that the operator has not listed.
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
        # GitHub has separate addresses for the installations of users and of organisations; the list has both.
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
    """Installation tokens by purpose; concurrent callers share one request for a token."""

    def __init__(self, sender: Sender, app: AppCredential, clock: Clock, admitting: Admitting) -> None:
        self.installations = Installations(sender, app, admitting)
        self._admitting = admitting
        self._sender = sender
        self._app = app
        self._clock = clock
        self._cached: dict[TokenKey, AccessToken] = {}
        self._locks: defaultdict[TokenKey, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, key: TokenKey) -> str:
        """Return a token that is valid for at least ten minutes; raises NotServedError."""
        self._admitting.require(key.owner, key.name)
        # One request at a time for each key; the next caller finds the token in the cache.
        async with self._locks[key]:
            cached = self._cached.get(key)
            if cached is None or not self._is_fresh(cached):
                cached = self._cached[key] = await self._fresh(key)
            return cached.token

    def forget(self, key: TokenKey) -> None:
        """Request a new token at the next call."""
        self._cached.pop(key, None)

    def _is_fresh(self, token: AccessToken) -> bool:
        return token.expires_at - self._clock.now() >= _LEAST_LIFE

    async def _fresh(self, key: TokenKey) -> AccessToken:
        try:
            token = await self._fetch(key)
        except NotGrantedError as error:
            raise NotGrantedError(
                f"{_doing(key)}: {_not_granted(key, error)}", status=error.status
            ) from error
        except GitHubError as error:
            if error.status not in _STALE:
                raise
            # The App may have been reinstalled, or the repository transferred, since the installation was looked up.
            token = await self._fetch_after_lookup(key)
        if not self._is_fresh(token):
            raise GitHubError(f"{_doing(key)}: it expires too soon; check the clock of this machine")
        return token

    async def _fetch_after_lookup(self, key: TokenKey) -> AccessToken:
        """Request a token after looking up the installation again."""
        self.installations.drop(key)
        try:
            return await self._fetch(key)
        except GitHubNotFoundError as error:
            # Callers take GitHubNotFoundError for a missing file, user or comment, which this is not.
            raise GitHubError(f"{_doing(key)}: the App is not installed there", status=404) from error

    async def _fetch(self, key: TokenKey) -> AccessToken:
        installation = await self.installations.of(key.owner, key.name)
        body: dict[str, object] = {"permissions": dict(key.profile.permissions)}
        if key.name is not None:
            bound = None if key.instead else await self._admitting.id_of(key.owner, key.name)
            # The name may belong to another repository by now. With the recorded id, the token is never valid for that.
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
    return f"requesting a token for {wanted} ({key.profile.value})"


def _not_granted(key: TokenKey, error: NotGrantedError) -> str:
    """Return which permission is missing, what fails without it, and who can grant it."""
    if error.status != HTTPStatus.UNPROCESSABLE_ENTITY:
        return (
            f"the App is suspended on {key.owner}; an owner of {key.owner} must unsuspend it under {_WHERE}"
        )
    wanted = [(permission(name), level) for name, level in key.profile.permissions.items()]
    asked = ", ".join(f"{one.title} ({level})" for one, level in wanted)
    lost = "; ".join(one.lost for one, level in wanted if one.lost and level == one.access)
    without = f", so {lost}" if lost else ""
    one_of = "one of " if len(wanted) > 1 else ""
    return (
        f"{key.owner} has not granted the App {one_of}{asked}{without}; an owner of {key.owner} must accept the App's"
        f" requested permissions under {_WHERE}"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationCredential:
    """Signs with the cached token of one purpose."""

    tokens: Tokens
    key: TokenKey

    @property
    def scope(self) -> str:
        """The owner: GitHub counts rate limits per installation, and an owner has one."""
        return self.key.owner.lower()

    async def token(self) -> Token:
        """Return the installation token."""
        return Token(value=await self.tokens.get(self.key))

    def forget(self) -> None:
        """Request a new token at the next call."""
        self.tokens.forget(self.key)

"""Who sends a request (the App, an installation or a user), and what they may do."""

import hashlib
import secrets
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.playground.github.errors import ApiError, forbidden, not_found, suspended
from bot.playground.github.grants import grants, narrowed
from bot.playground.github.hub import Hub
from bot.playground.github.records.model import Installation, Repo, Role, Token

TOKEN_SECONDS = 3600
JWT_SECONDS = 600
DRIFT_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A caller. At most one of `installation` and `user` is set; `app` means the App's own key."""

    app: bool = False
    installation: Installation | None = None
    user: str | None = None
    permissions: dict[str, str] = field(default_factory=dict)
    repositories: frozenset[int] | None = None

    @property
    def name(self) -> str:
        """A name for logs and rate limits."""
        if self.app:
            return "app"
        if self.installation is not None:
            return f"installation {self.installation.id}"
        return self.user or "anonymous"


ANONYMOUS = Principal()


def load_key(hub: Hub) -> rsa.RSAPrivateKey:
    """Return the App's key: the configured one, else one kept in the state directory."""
    path = hub.config.state_dir / "app-key.pem"
    if hub.config.private_key_pem is not None:
        pem = hub.config.private_key_pem.encode()
    elif path.exists():
        pem = path.read_bytes()
    else:
        pem = private_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)).encode()
        path.touch(mode=0o600)
        path.write_bytes(pem)
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("the App's key must be an RSA key")
    return key


def private_pem(key: rsa.RSAPrivateKey) -> str:
    """The key as GitHub hands it out (PKCS#1)."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


class Auth:
    """Issues tokens and recognises callers."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.key = load_key(hub)
        self._public = self.key.public_key()

    def principal(self, header: str | None) -> Principal:
        """The caller of an `Authorization` header; 401 for credentials that are not good."""
        if not header:
            return ANONYMOUS
        scheme, _, value = header.partition(" ")
        value = value.strip()
        if scheme.lower() == "basic":
            return self.by_token(_password(value))
        if scheme.lower() not in {"bearer", "token"}:
            raise ApiError(401, "Bad credentials")
        if value.count(".") == 2 and not value.startswith("gh"):  # noqa: PLR2004
            return self._by_jwt(value)
        return self.by_token(value)

    def _by_jwt(self, value: str) -> Principal:
        """Authenticate the App itself. Times are compared with the stand-in's own clock."""
        try:
            claims: dict[str, Any] = jwt.decode(
                value,
                self._public,
                algorithms=["RS256"],
                options={"verify_exp": False, "verify_iat": False, "verify_iss": False, "verify_nbf": False},
            )
        except jwt.InvalidTokenError as error:
            raise ApiError(401, "A JSON web token could not be decoded") from error
        now = self._hub.clock()
        issued, expires, issuer = claims.get("iat"), claims.get("exp"), claims.get("iss")
        # The App's id counts as text and as a number: GitHub's own client sends a number.
        if str(issuer) not in {str(self._hub.config.app_id), self._hub.config.client_id}:
            raise ApiError(401, "Integration not found")
        if not isinstance(issued, int) or issued > now + DRIFT_SECONDS:
            raise ApiError(401, "'Issued at' claim ('iat') must be an Integer representing the past")
        if not isinstance(expires, int) or expires <= now:
            raise ApiError(401, "'Expiration time' claim ('exp') must be in the future")
        if expires > now + JWT_SECONDS:
            raise ApiError(401, "'Expiration time' claim ('exp') is too far in the future")
        return Principal(app=True)

    def by_token(self, value: str) -> Principal:
        """An installation or a user."""
        token = self._hub.state.data.tokens.get(_digest(value))
        if token is None or (token.expires_at is not None and token.expires_at <= self._hub.clock()):
            raise ApiError(401, "Bad credentials")
        if token.user is not None:
            return Principal(user=token.user)
        installation = self._hub.state.data.installations.get(token.installation_id or 0)
        if installation is None:
            raise ApiError(401, "Bad credentials")
        if installation.suspended:
            raise suspended()
        return Principal(
            installation=installation,
            permissions=narrowed(token.permissions, installation.permissions),
            repositories=None if token.repositories is None else frozenset(token.repositories),
        )

    def issue_installation_token(
        self, installation: Installation, *, repositories: list[int] | None, permissions: dict[str, str]
    ) -> tuple[str, float]:
        """A long `ghs_APPID_JWT` token and its expiry."""
        expires = self._hub.clock() + TOKEN_SECONDS
        claims = {
            "iss": "stand-in",
            "sub": str(installation.id),
            "exp": int(expires),
            "jti": secrets.token_hex(8),
        }
        signed = jwt.encode(claims, secrets.token_hex(32), algorithm="HS256")
        value = f"ghs_{self._hub.config.app_id}_{signed}"
        self._store(
            value,
            Token(
                installation_id=installation.id,
                repositories=repositories,
                permissions=permissions,
                expires_at=expires,
            ),
        )
        return value, expires

    def issue_user_token(self, login: str, *, prefix: str = "ghp", seconds: float | None = None) -> str:
        """A user's token: personal (`ghp`) or by OAuth (`ghu`)."""
        value = f"{prefix}_{secrets.token_urlsafe(27).replace('-', 'x').replace('_', 'y')}"
        expires = None if seconds is None else self._hub.clock() + seconds
        self._store(value, Token(user=self._hub.state.account(login).login, expires_at=expires))
        return value

    def _store(self, value: str, token: Token) -> None:
        now = self._hub.clock()
        tokens = self._hub.state.data.tokens
        for key in [key for key, each in tokens.items() if each.expires_at and each.expires_at <= now]:
            del tokens[key]
        tokens[_digest(value)] = token
        self._hub.state.changed()

    def revoke_all(self) -> None:
        """Make every token invalid immediately."""
        self._hub.state.data.tokens.clear()
        self._hub.state.changed()

    def role(self, who: Principal, repo: Repo) -> Role:
        """The role a user has; installations have none, their permissions count."""
        if who.user is not None:
            return self._hub.state.role(repo, who.user)
        return Role.NONE if repo.private else Role.READ

    def sees(self, who: Principal, repo: Repo) -> bool:
        """Whether the caller may know that the repository exists."""
        if not repo.private:
            return True
        if who.installation is not None:
            return self.reaches(who, repo)
        return self.role(who, repo).at_least(Role.READ)

    def reaches(self, who: Principal, repo: Repo) -> bool:
        """Whether an installation token covers the repository."""
        installation = self._hub.installation_of(repo)
        if who.installation is None or installation is None or installation.id != who.installation.id:
            return False
        return who.repositories is None or repo.id in who.repositories

    def require(self, who: Principal, repo: Repo, needs: tuple[str, ...]) -> None:
        """Refuse with 404 what is hidden, and with 403 what is visible but not allowed.

        `needs` are alternatives such as `issues:write`; one of them is enough.
        """
        if who.app:
            raise ApiError(401, "A JSON web token could not be decoded")
        if not self.sees(who, repo):
            raise not_found()
        if who.installation is not None:
            self._require_permission(who, repo, needs)
        elif not any(self._user_may(who, repo, need) for need in needs):
            raise ApiError(403, "Must have push access to repository") if who.user else _unauthenticated()

    def _require_permission(self, who: Principal, repo: Repo, needs: tuple[str, ...]) -> None:
        reads_public = not repo.private and all(need.endswith(":read") for need in needs)
        if reads_public:
            return
        if not self.reaches(who, repo) or not any(grants(who.permissions, need) for need in needs):
            raise forbidden()

    def _user_may(self, who: Principal, repo: Repo, need: str) -> bool:
        """What a user may do: readers read and talk, writers write. Checks belong to Apps."""
        area, _, level = need.partition(":")
        role = self.role(who, repo)
        if level == "read":
            return role.at_least(Role.READ)
        if area == "checks" or who.user is None:
            return False
        return role.at_least(Role.READ if area == "issues" else Role.WRITE)


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def _unauthenticated() -> ApiError:
    return ApiError(401, "Requires authentication")


def _password(value: str) -> str:
    """The password of basic authentication; the token may also stand as the user name."""
    try:
        name, _, password = b64decode(value, validate=True).decode().partition(":")
    except ValueError as error:
        raise ApiError(401, "Bad credentials") from error
    return password if password and password != "x-oauth-basic" else name  # noqa: S105

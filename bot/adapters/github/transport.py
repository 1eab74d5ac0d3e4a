"""One HTTP request to one origin: time limit, redirects, version headers, and the metrics hook."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import aiohttp
from gidgethub import HTTPException
from gidgethub.aiohttp import GitHubAPI
from yarl import URL

from bot.adapters.github.call import GRAPHQL, Call
from bot.adapters.github.options import Options, Waits

ACCEPT = "application/vnd.github+json"
API_VERSION = "2022-11-28"
_REDIRECTS = frozenset({301, 302, 307, 308})
_MOST_REDIRECTS = 3
_STATUSES = frozenset(status.value for status in HTTPStatus)


class MalformedAnswerError(Exception):
    """An answer that is not what its content type says."""


class ForeignUrlError(Exception):
    """An address outside the configured API; it is never called, for it would be sent the token."""


class UnsafeNameError(Exception):
    """A name that would change the path of the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a request is signed with; `is_app` tells the App's own JWT from an installation's token."""

    value: str = field(repr=False)
    is_app: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The decoded body of a success, and whether GitHub says that another page follows."""

    data: Any
    more: bool
    cursor: str | None = None
    """What the next page is asked for with, where GitHub pages by a cursor."""


class Transport(GitHubAPI):
    """gidgethub on a shared session, restricted to the API's own origin."""

    def __init__(self, session: aiohttp.ClientSession, options: Options, waits: Waits) -> None:
        super().__init__(session, options.user_agent, base_url=options.base_url)
        self._origin = URL(options.base_url).origin()
        self._graphql_url = graphql_url(options.base_url)
        self._timeout = aiohttp.ClientTimeout(total=options.request_timeout)
        self._slots = asyncio.Semaphore(options.max_requests)
        self._on_request = options.on_request
        self._on_limit = options.on_limit
        self._monotonic = waits.monotonic

    async def ask(self, call: Call, token: Token) -> Answer:
        """Make one attempt. Raises gidgethub's, aiohttp's and this module's errors."""
        refuse_unsafe_names(call.variables)
        async with self._slots:
            status, started = 0, self._monotonic()
            try:
                data, following, status = await self._signed(call, token)
            except HTTPException as error:
                status = int(error.status_code)
                raise
            except (ValueError, LookupError) as error:
                raise MalformedAnswerError(str(error)) from error
            finally:
                self._on_request(call.method, call.route, status, self._monotonic() - started)
        cursor = None if following is None else URL(following).query.get("cursor")
        return Answer(data=data, more=following is not None, cursor=cursor)

    async def _signed(self, call: Call, token: Token) -> tuple[Any, str | None, int]:
        return await self._make_request(
            call.method,
            self._graphql_url if call.route == GRAPHQL else call.route,
            call.variables,
            b"" if call.body is None else dict(call.body),
            ACCEPT,
            jwt=token.value if token.is_app else None,
            oauth_token=None if token.is_app else token.value,
            extra_headers={"x-github-api-version": API_VERSION},
        )

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, Mapping[str, str], bytes]:
        target = URL(url, encoded=True)
        for _ in range(_MOST_REDIRECTS + 1):
            if target.origin() != self._origin:
                raise ForeignUrlError(str(target.origin()))
            async with self._session.request(
                method, target, headers=headers, data=body, timeout=self._timeout, allow_redirects=False
            ) as response:
                content = await response.read()
            self._note_limit(response.headers)
            location = response.headers.get("location")
            if response.status not in _REDIRECTS or location is None:
                return known_status(response.status), response.headers, content
            target = target.join(URL(location, encoded=True))
        raise MalformedAnswerError("too many redirects")

    def _note_limit(self, headers: Mapping[str, str]) -> None:
        left = headers.get("x-ratelimit-remaining", "")
        if left.isdecimal() and left.isascii():
            self._on_limit(headers.get("x-ratelimit-resource", "core"), int(left[:9]))


def known_status(status: int) -> int:
    """Return a status that `http.HTTPStatus` knows: gidgethub fails on a proxy's 520."""
    return status if status in _STATUSES else status // 100 * 100


def graphql_url(base_url: str) -> str:
    """Return the GraphQL address that belongs to a REST base."""
    base = base_url.rstrip("/")
    return f"{base.removesuffix('/v3')}/graphql" if base.endswith("/api/v3") else f"{base}/graphql"


def refuse_unsafe_names(variables: Mapping[str, str | int | Sequence[str]]) -> None:
    """Raise UnsafeNameError for an empty or dotted path segment: `..` would reach another resource."""
    for name, value in variables.items():
        parts = [value] if isinstance(value, (str, int)) else value
        if not parts or any(part in {"", ".", ".."} for part in parts):
            raise UnsafeNameError(f"{name} is not a usable name")

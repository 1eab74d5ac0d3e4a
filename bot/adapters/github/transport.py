"""Sends one HTTP request to GitHub's API, and reports it to the metrics."""

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
    """An answer whose body does not match its content type."""


class ForeignUrlError(Exception):
    """An address outside the configured API, which is never called."""


class UnsafeNameError(Exception):
    """A name that would change the path of the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """The token that signs a request; `is_app` for the App's JWT."""

    value: str = field(repr=False)
    is_app: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The decoded body of a success, and whether there is another page."""

    data: Any
    more: bool
    cursor: str | None = None
    """The cursor of the next page, for lists that have cursors."""


class Transport(GitHubAPI):
    """gidgethub on a shared session, restricted to the API's origin."""

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
        """Make one attempt; raises the errors of gidgethub, aiohttp and this module."""
        refuse_unsafe_names(call.variables)
        async with self._slots:
            status, started = 0, self._monotonic()
            try:
                data, following, status = await self._signed(call, token)
            except HTTPException as error:
                status = int(error.status_code)
                raise
            # gidgethub raises these for a body or a content type that it cannot decode.
            except (ValueError, LookupError) as error:
                raise MalformedAnswerError(str(error)) from error
            finally:
                self._on_request(call.method, call.route, status, self._monotonic() - started)
        cursor = None if following is None else _cursor(URL(following))
        return Answer(data=data, more=following is not None, cursor=cursor)

    async def _signed(self, call: Call, token: Token) -> tuple[Any, str | None, int]:
        return await self._make_request(
            call.method,
            self._graphql_url if call.route == GRAPHQL else call.route,
            call.variables,
            b"" if call.body is None else dict(call.body),
            call.accept or ACCEPT,
            jwt=token.value if token.is_app else None,
            oauth_token=None if token.is_app else token.value,
            extra_headers={"x-github-api-version": API_VERSION},
        )

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, Mapping[str, str], bytes]:
        # Redirects are followed here, not by the HTTP client, so that none leads to another host.
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


def _cursor(following: URL) -> str | None:
    """Return the cursor in the address of the next page; None for lists with page numbers."""
    # GitHub's lists call it `cursor` or `after`.
    return following.query.get("cursor") or following.query.get("after")


def known_status(status: int) -> int:
    """Return a status that `http.HTTPStatus` knows, else the first of its hundred."""
    # gidgethub fails on statuses of proxies, such as 520.
    return status if status in _STATUSES else status // 100 * 100


def graphql_url(base_url: str) -> str:
    """Return the GraphQL address for a REST base."""
    base = base_url.rstrip("/")
    return f"{base.removesuffix('/v3')}/graphql" if base.endswith("/api/v3") else f"{base}/graphql"


def refuse_unsafe_names(variables: Mapping[str, str | int | Sequence[str]]) -> None:
    """Raise UnsafeNameError for a path segment that is empty or consists of dots."""
    # `..` in a path would reach another resource.
    for name, value in variables.items():
        parts = [value] if isinstance(value, (str, int)) else value
        if not parts or any(part in {"", ".", ".."} for part in parts):
            raise UnsafeNameError(f"{name} is not a usable name")

"""GitHub's REST API by the bot's own transport, every exchange of which is kept; and who asks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bot.adapters.github.call import Call
from bot.adapters.github.options import Options, Waits
from bot.adapters.github.transport import Answer, Token, Transport
from tests.recorder.model import Exchange

_HEADERS = (
    "link",
    "location",
    "retry-after",
    "x-accepted-github-permissions",
    "x-accepted-oauth-scopes",
    "x-github-api-version-selected",
    "x-github-media-type",
    "x-ratelimit-limit",
    "x-ratelimit-resource",
)


class BudgetError(Exception):
    """More requests than the evening may make."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The bearer of one token; `scope` is also the name under which its requests are recorded."""

    scope: str
    value: str = field(repr=False)

    async def token(self) -> Token:
        """Return the token."""
        return Token(value=self.value)

    def forget(self) -> None:
        """Keep it: there is no other."""


class RecordingTransport(Transport):
    """The transport of the adapter; one request at a time, and no more than `most` in all."""

    def __init__(self, session: aiohttp.ClientSession, options: Options, waits: Waits, *, most: int) -> None:
        super().__init__(session, options, waits)
        self.exchanges: list[Exchange] = []
        self.by = ""
        self.accept: str | None = None
        """What to accept where it is not the usual media type."""
        self.sent = 0
        self.most = most
        self._route = ""

    async def ask(self, call: Call, token: Token) -> Answer:
        """Make one attempt and keep it, whatever the answer is."""
        if self.sent >= self.most:
            raise BudgetError(f"{self.most} requests were made; --most-requests allows more")
        self.sent += 1
        self._route = call.route
        return await super().ask(call, token)

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, Mapping[str, str], bytes]:
        asked = dict(headers) if self.accept is None else {**headers, "accept": self.accept}
        status, answered, content = await super()._request(method, url, asked, body)
        self.exchanges.append(
            Exchange(
                by=self.by,
                method=method,
                route=self._route,
                path=url.removeprefix(self.base_url),
                request=_json(body),
                status=status,
                headers={name: answered[name] for name in _HEADERS if name in answered},
                answer=_json(content),
            )
        )
        return status, answered, content


def _json(content: bytes) -> Any:
    try:
        return json.loads(content) if content else None
    except ValueError:
        return content.decode(errors="replace")

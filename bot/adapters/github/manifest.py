"""Exchanges the code from GitHub's manifest flow for the App's id, key and secrets."""

from __future__ import annotations

import aiohttp
from pydantic import Field

from bot.adapters.github.shapes import Shape, parse
from bot.domain.core.errors import GitHubError

_SECONDS = 30
_CREATED = 201


class RegisteredApp(Shape):
    """A newly registered App; GitHub returns its secrets only once."""

    id: int
    slug: str
    html_url: str
    client_id: str
    client_secret: str = Field(repr=False)
    webhook_secret: str = Field(repr=False)
    pem: str = Field(repr=False)


async def convert_code(api_url: str, code: str) -> RegisteredApp:
    """Return the App that GitHub registered; a code is valid once, for an hour."""
    doing = "asking GitHub for the new App"
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    headers = {"Accept": "application/vnd.github+json", "User-Agent": "gatewright"}
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
            session.post(f"{api_url}/app-manifests/{code}/conversions", allow_redirects=False) as answer,
        ):
            if answer.status != _CREATED:
                raise GitHubError(
                    f"{doing}: GitHub answered {answer.status}; a code can be used once, within an hour: create the App"
                    " again with the page of `gatewright app manifest`",
                    status=answer.status,
                )
            return parse(RegisteredApp, await answer.json(), doing)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise GitHubError(f"{doing}: {api_url} could not be reached; run the same command again") from error

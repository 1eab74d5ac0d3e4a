"""Logging in through the pages, and their tokens against forged requests."""

from __future__ import annotations

import re
from http.cookies import Morsel
from urllib.parse import parse_qs, urlsplit

from yarl import URL

from tests.integration.web.world import Client, World


async def begin(client: Client, next_path: str = "/runs/r1") -> dict[str, str]:
    """Go to the login; returns what GitHub is asked with."""
    async with client.get("/login", params={"next": next_path}, allow_redirects=False) as response:
        assert response.status == 303
        query = parse_qs(urlsplit(response.headers["Location"]).query)
    return {name: values[0] for name, values in query.items()}


async def come_back(client: Client, **query: str) -> tuple[int, str | None]:
    """Return from GitHub; gives status and where it leads."""
    async with client.get("/login/callback", params=query, allow_redirects=False) as response:
        return response.status, response.headers.get("Location")


async def log_in(world: World, login: str, client: Client | None = None, next_path: str = "/") -> None:
    used = client or world.client
    asked = await begin(used, next_path)
    world.github.codes["the code"] = login
    status, _ = await come_back(used, code="the code", state=asked["state"])
    assert status == 303


def cookie(client: Client, name: str) -> Morsel[str]:
    return client.session.cookie_jar.filter_cookies(URL(str(client.make_url("/"))))[name]


async def token(client: Client) -> str:
    """Return what the forms of this session carry."""
    async with client.get("/") as response:
        found = re.search(r'name="token" value="([^"]+)"', await response.text())
    assert found is not None
    return found[1]

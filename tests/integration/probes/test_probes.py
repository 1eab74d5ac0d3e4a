"""Probes against a real server: what they tell, and where they never go."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Sequence

import pytest
from aiohttp import web

from bot.adapters.probes import LARGEST_BODY, NetworkProbes
from bot.domain.core.errors import ProbeError
from tests.fakes.clock import HandClock


def probes(*allowed: str) -> NetworkProbes:
    return NetworkProbes(allowed=[ipaddress.ip_network(each) for each in allowed], clock=HandClock())


@pytest.fixture
async def seen() -> list[str]:
    return []


@pytest.fixture
async def port(seen: list[str]) -> AsyncIterator[int]:
    async def handle(request: web.Request) -> web.Response:
        seen.append(request.path)
        if request.path == "/moved":
            return web.Response(status=302, headers={"Location": "/elsewhere"})
        if request.path == "/large":
            return web.Response(text="x" * (LARGEST_BODY + 5))
        return web.Response(status=201, text="hello")

    app = web.Application()
    app.router.add_get("/{tail:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def test_an_allowed_address_is_asked_and_its_answer_told(port: int) -> None:
    told = await probes("127.0.0.0/8").http(f"http://127.0.0.1:{port}/", within=5)

    assert (told.status, told.body) == (201, "hello")
    assert await probes("127.0.0.0/8").tcp("127.0.0.1", port, within=5) >= 0


async def test_redirect_is_not_followed_and_a_large_answer_is_cut(port: int, seen: list[str]) -> None:
    moved = await probes("127.0.0.0/8").http(f"http://127.0.0.1:{port}/moved", within=5)
    large = await probes("127.0.0.0/8").http(f"http://127.0.0.1:{port}/large", within=5)

    assert moved.status == 302
    assert len(large.body) == LARGEST_BODY
    assert seen == ["/moved", "/large"]


REFUSED = r"not a public address|has no address|no answer \(InvalidUrlClientError\)"
FORBIDDEN: Sequence[str] = (
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f.1",
    "0.0.0.0",  # noqa: S104 - it is asked for, not listened on
    "localhost",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[2002:7f00:1::]",
    "10.0.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "[fd00:ec2::254]",
    "224.0.0.1",
)


@pytest.mark.parametrize("host", FORBIDDEN)
async def test_what_is_not_public_is_not_reached_unless_allowed(
    host: str, port: int, seen: list[str]
) -> None:
    with pytest.raises(ProbeError, match=REFUSED):
        await probes().http(f"http://{host}:{port}/latest/meta-data", within=5)
    with pytest.raises(ProbeError, match=REFUSED):
        await probes().tcp(host.strip("[]"), port, within=5)

    assert seen == []


async def test_a_name_is_judged_by_its_addresses(port: int) -> None:
    told = await probes("127.0.0.0/8", "::1/128").http(f"http://localhost:{port}/", within=5)

    assert told.status == 201


async def test_allowing_one_network_allows_no_other(port: int) -> None:
    with pytest.raises(ProbeError, match="GATEWRIGHT_VERIFY_NETWORKS"):
        await probes("10.0.0.0/8").http(f"http://127.0.0.1:{port}/", within=5)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://127.0.0.1:99999/", "http://no such host/"])
async def test_what_does_not_answer_is_told_in_words(url: str) -> None:
    with pytest.raises(ProbeError):
        await probes("127.0.0.0/8").http(url, within=5)


async def test_a_certificate_needs_https(port: int) -> None:
    with pytest.raises(ProbeError, match="does not begin with https"):
        await probes("127.0.0.0/8").certificate_days(f"http://127.0.0.1:{port}/", within=5)

"""The `Probes` port: HTTP and TCP from the server, limited to allowed addresses.

An address may come from an output of a pull request's code. Names are resolved here, all their addresses are
checked, and the connection uses a checked address, so that the name cannot be changed in between.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from bot.domain.core.errors import ProbeError
from bot.ports import Clock
from bot.ports.probes import HttpAnswer

LARGEST_BODY = 1 << 20
"""Maximum number of bytes read of an answer."""
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class NetworkProbes:
    """Probes that reach the public Internet, and otherwise only `allowed`."""

    def __init__(self, *, allowed: Sequence[Network], clock: Clock) -> None:
        self._allowed = tuple(allowed)
        self._clock = clock

    async def http(self, url: str, *, within: float) -> HttpAnswer:
        """GET a URL and read its body up to a limit."""
        self._refuse_literal(_parsed(url).host or "")
        started = asyncio.get_running_loop().time()
        connector = aiohttp.TCPConnector(resolver=_Guarded(self), force_close=True)
        limits = aiohttp.ClientTimeout(total=within)
        try:
            async with (
                aiohttp.ClientSession(
                    connector=connector, timeout=limits, cookie_jar=aiohttp.DummyCookieJar()
                ) as session,
                session.get(
                    url, allow_redirects=False, headers={"User-Agent": "gatewright-verify"}
                ) as answer,
            ):
                body = await answer.content.read(LARGEST_BODY)
                while len(body) < LARGEST_BODY and (
                    more := await answer.content.read(LARGEST_BODY - len(body))
                ):
                    body += more
                seconds = asyncio.get_running_loop().time() - started
                return HttpAnswer(status=answer.status, body=body.decode("utf-8", "replace"), seconds=seconds)
        except TimeoutError:
            raise ProbeError(f"no answer within {within:g} s") from None
        except aiohttp.ClientConnectorCertificateError as error:
            raise ProbeError("the certificate is not trusted") from error
        except (aiohttp.ClientError, ValueError, OSError) as error:
            raise ProbeError(f"no answer ({type(error).__name__})") from error

    async def tcp(self, host: str, port: int, *, within: float) -> float:
        """Open and close a connection."""
        started = asyncio.get_running_loop().time()
        await self._connect(host, port, within, context=None)
        return asyncio.get_running_loop().time() - started

    async def certificate_days(self, url: str, *, within: float) -> float:
        """Return the number of days until the certificate expires."""
        parsed = _parsed(url)
        if parsed.scheme != "https":
            raise ProbeError("there is no certificate: the address does not begin with https://")
        context = ssl.create_default_context()
        found = await self._connect(parsed.host or "", parsed.port or 443, within, context=context)
        ends = ssl.cert_time_to_seconds(str((found or {}).get("notAfter", "Jan  1 00:00:00 1970 GMT")))
        return (ends - self._clock.now().timestamp()) / timedelta(days=1).total_seconds()

    async def _connect(
        self, host: str, port: int, limit: float, *, context: ssl.SSLContext | None
    ) -> dict[str, object] | None:
        try:
            async with asyncio.timeout(limit):
                address = (await self.addresses(host, port))[0]
                _, writer = await asyncio.open_connection(
                    address, port, ssl=context, server_hostname=host if context else None
                )
        except TimeoutError:
            raise ProbeError(f"no connection within {limit:g} s") from None
        except ssl.SSLCertVerificationError as error:
            raise ProbeError("the certificate is not trusted") from error
        except OSError as error:
            raise ProbeError(f"no connection ({type(error).__name__})") from error
        certificate = writer.get_extra_info("peercert")
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        return certificate if isinstance(certificate, dict) else None

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        """Resolve a name; ProbeError if one of its addresses is not allowed."""
        self._refuse_literal(host)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise ProbeError(f"the name {host[:100]} has no address") from error
        addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
        for address in addresses:
            self._refuse(ipaddress.ip_address(address.partition("%")[0]), host)
        return addresses

    def _refuse_literal(self, host: str) -> None:
        """Check addresses in URLs, for which the library does not call the resolver."""
        with suppress(ValueError):
            self._refuse(ipaddress.ip_address(host.strip("[]").partition("%")[0]), host)

    def _refuse(self, address: Address, host: str) -> None:
        if isinstance(address, ipaddress.IPv6Address):
            address = address.ipv4_mapped or address.sixtofour or address
        if any(address.version == network.version and address in network for network in self._allowed):
            return
        if not address.is_global or address.is_multicast:
            raise ProbeError(
                f"{host[:100]} is not a public address, and the operator has not allowed its network"
                " (GATEWRIGHT_VERIFY_NETWORKS)"
            )


def _parsed(url: str) -> URL:
    try:
        return URL(url)
    except ValueError as error:
        raise ProbeError("it is no address that can be asked") from error


class _Guarded(AbstractResolver):
    """A resolver that returns only checked addresses."""

    def __init__(self, probes: NetworkProbes) -> None:
        self._probes = probes

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return all addresses of a name."""
        del family
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in await self._probes.addresses(host, port)
        ]

    async def close(self) -> None:
        """Do nothing, since nothing is kept open."""

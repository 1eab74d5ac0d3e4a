"""Looking at an environment from outside, as its users do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """A server's response; redirects are not followed."""

    status: int
    body: str = field(repr=False)
    """As much of it as is looked at."""
    seconds: float


class Probes(Protocol):
    """Sends requests to addresses that may come from untrusted code.

    Errors are ProbeError, with text that may be posted. Addresses inside the server's own network are refused
    unless the operator allows them.
    """

    async def http(self, url: str, *, within: float) -> HttpAnswer:
        """GET a URL within `within` seconds."""
        ...

    async def tcp(self, host: str, port: int, *, within: float) -> float:
        """Open a connection and close it; returns the seconds it took."""
        ...

    async def certificate_days(self, url: str, *, within: float) -> float:
        """Return for how many days the certificate of an https URL is still valid.

        One that is not trusted is an error.
        """
        ...

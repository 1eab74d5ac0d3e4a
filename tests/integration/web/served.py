"""The web application of the tests, as it is served."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tests.integration.web.world import Client

Served = Callable[..., Awaitable[Client]]

"""A server that accepts and never answers, so that a plan can be made to hang without a provider."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class HangingServer:
    """Tells when somebody asked and when the last of them was gone."""

    port: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    left_alone: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def module(self) -> str:
        """Return a root module whose plan asks this server."""
        return f"""
        data "terraform_remote_state" "slow" {{
          backend = "http"
          config = {{
            address = "http://127.0.0.1:{self.port}/state"
          }}
        }}
        output "slow" {{
          value = data.terraform_remote_state.slow.outputs
        }}
        """

    async def receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.set()
        while await reader.read(1024):
            pass
        writer.close()
        self.left_alone.set()


@asynccontextmanager
async def hanging_server() -> AsyncIterator[HangingServer]:
    """Listen on a free port of loopback."""
    hanging = HangingServer()
    server = await asyncio.start_server(hanging.receive, "127.0.0.1", 0)
    hanging.port = server.sockets[0].getsockname()[1]
    try:
        yield hanging
    finally:
        server.close()
        await server.wait_closed()

"""A git server over HTTP: the real `git http-backend` behind a few lines, with a token and planned failures."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass
class HttpOrigin:
    """Serves the repositories below `root` to whoever sends the token."""

    root: Path
    token: str
    statuses: list[int] = field(default_factory=list)
    """What the next requests are answered with, before the real answers begin."""
    requests: list[str] = field(default_factory=list)
    seen_in_arguments: bool = False
    """Whether the token stood in the arguments of any process during a request."""
    url: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request of git's smart protocol."""
        self.requests.append(request.path)
        self.seen_in_arguments = self.seen_in_arguments or self._is_in_arguments()
        if self.statuses:
            return web.Response(
                status=self.statuses.pop(0), headers={"Location": "http://127.0.0.1:9/elsewhere"}
            )
        if request.headers.get("Authorization") != f"Basic {self._basic()}":
            return web.Response(status=401, headers={"WWW-Authenticate": "Basic"})
        return await self._backend(request)

    def _basic(self) -> str:
        return base64.b64encode(f"x-access-token:{self.token}".encode()).decode()

    def _is_in_arguments(self) -> bool:
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                arguments = process.read_bytes()
            except OSError:
                continue
            if self.token.encode() in arguments or self._basic().encode() in arguments:
                return True
        return False

    async def _backend(self, request: web.Request) -> web.Response:
        body = await request.read()
        process = await asyncio.create_subprocess_exec(
            "git",
            "http-backend",
            env={
                "PATH": os.defpath,
                "GIT_PROJECT_ROOT": str(self.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "REQUEST_METHOD": request.method,
                "PATH_INFO": request.path,
                "QUERY_STRING": request.query_string,
                "CONTENT_TYPE": request.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            },
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate(body)
        head, _, content = output.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        status = int(fields.pop("Status", "200").split()[0])
        return web.Response(status=status, headers=fields, body=content)


@asynccontextmanager
async def serve(root: Path, token: str) -> AsyncIterator[HttpOrigin]:
    """Serve the repositories below `root` on a free port of the loopback."""
    origin = HttpOrigin(root=root, token=token)
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", origin.handle)
    server = TestServer(application, host="127.0.0.1")
    await server.start_server()
    origin.url = str(server.make_url("/")).rstrip("/")
    try:
        yield origin
    finally:
        await server.close()

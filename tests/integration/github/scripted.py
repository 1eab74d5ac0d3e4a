"""A server that answers what a test tells it to, for failures that a stateful stand-in does not have."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

BASE = "/api/v3"
TOKENS = "/app/installations/77/access_tokens"
EXPIRY = "2026-03-01T13:00:00Z"


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived; `path` is without the API's base."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Scripted:
    """One answer; with `drop` the connection is cut instead."""

    status: int = 200
    data: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    drop: bool = False


Maker = Callable[[Seen], Scripted]


class ScriptedGitHub:
    """Answers in the order given per method and path; the last answer is repeated."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.url = ""
        self.held = self.most_held = 0
        self._gates: dict[str, asyncio.Event] = {}
        self._came = asyncio.Condition()
        self._script: dict[tuple[str, str], list[Scripted | Maker]] = {}
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        token = {"token": "ghs_short-lived-secret", "expires_at": EXPIRY}
        self.answer("POST", TOKENS, Scripted(status=201, data=token))
        self.answer("GET", "/repos/acme/infra/installation", Scripted(data={"id": 77}))
        self.answer("GET", "/app", Scripted(data={"id": 12345, "slug": "gatewright", "name": "Gatewright"}))

    @property
    def api_url(self) -> str:
        return self.url + BASE

    async def start(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    def answer(self, method: str, path: str, *answers: Scripted | Maker) -> None:
        self._script[method, path] = list(answers)

    def calls(self, method: str, path: str) -> list[Seen]:
        return [each for each in self.seen if (each.method, each.path) == (method, path)]

    def hold(self, path: str, gate: asyncio.Event) -> None:
        """Answer requests to `path` only when the gate is open."""
        self._gates[path] = gate

    async def arrived(self, count: int = 1) -> None:
        """Wait until that many requests are held."""
        async with self._came:
            await self._came.wait_for(lambda: self.held >= count)

    async def _pass(self, path: str) -> None:
        gate = self._gates.get(path)
        if gate is None:
            return
        async with self._came:
            self.held += 1
            self.most_held = max(self.most_held, self.held)
            self._came.notify_all()
        try:
            await gate.wait()
        finally:
            self.held -= 1

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        path = request.rel_url.raw_path.removeprefix(BASE)
        seen = Seen(
            request.method,
            path,
            dict(request.query),
            {name.lower(): value for name, value in request.headers.items()},
            json.loads(raw) if raw else None,
        )
        self.seen.append(seen)
        await self._pass(path)
        answer = self._next(seen)
        if answer.drop:
            assert request.transport is not None
            request.transport.abort()
        if answer.text is not None:
            return web.Response(status=answer.status, headers=answer.headers, text=answer.text)
        return web.json_response(answer.data, status=answer.status, headers=answer.headers)

    def _next(self, seen: Seen) -> Scripted:
        script = self._script.get((seen.method, seen.path))
        if not script:
            return Scripted(status=404, data={"message": "Not Found"})
        answer = script.pop(0) if len(script) > 1 else script[0]
        return answer(seen) if callable(answer) else answer

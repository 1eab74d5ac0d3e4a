"""The HTTP server: all parts of the stand-in behind one port of this machine."""

import asyncio
import json

from aiohttp import web
from aiohttp.typedefs import Middleware

from bot.playground.github.auth import Auth
from bot.playground.github.faults.orders import Fault
from bot.playground.github.git_http import GitHttp
from bot.playground.github.graphql import GraphQL
from bot.playground.github.hub import Hub
from bot.playground.github.pages import Pages
from bot.playground.github.pages.oauth import OAuth
from bot.playground.github.rest.service import API, Answerer, Api, log_request

BODY_MOST = 256 * 1024 * 1024


class Server:
    """Listens on 127.0.0.1."""

    def __init__(self, hub: Hub, auth: Auth) -> None:
        self._hub = hub
        self._runner: web.AppRunner | None = None
        self._app = web.Application(middlewares=[self._middleware()], client_max_size=BODY_MOST)
        Api(hub, auth).add_routes(self._app)
        self._app.router.add_post("/api/graphql", GraphQL(hub, auth).handle)
        GitHttp(hub, auth).add_routes(self._app)
        OAuth(hub, auth).add_routes(self._app)
        Pages(hub).add_routes(self._app)

    async def start(self, port: int) -> int:
        """Listen and give the port, which is a free one for 0."""
        runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=2.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        self._runner = runner
        bound: int = runner.addresses[0][1]
        return bound

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    def _middleware(self) -> Middleware:
        hub = self._hub

        @web.middleware
        async def around(request: web.Request, handler: Answerer) -> web.StreamResponse:
            """Faults and the log round every request; a failure of our own is a 500 and a crash."""
            fault = hub.faults.take(request.method, str(request.rel_url))
            try:
                if fault is not None and fault.before_effect:
                    answer = await _fail(request, fault) or await handler(request)
                else:
                    answer = await handler(request)
                    if fault is not None:
                        answer = await _fail(request, fault) or answer
            except web.HTTPException as answered:
                log_request(hub, request, answered.status)
                raise
            except asyncio.CancelledError:
                log_request(hub, request, 0)
                raise
            except Exception as error:  # noqa: BLE001
                hub.crashed(f"{request.method} {request.path}", error)
                answer = web.json_response({"message": "Server Error"}, status=500)
            dropped = fault is not None and fault.drop_connection
            log_request(hub, request, 0 if dropped else answer.status)
            return answer

        return around


async def _fail(request: web.Request, fault: Fault) -> web.Response | None:
    """Carry a fault out; None when it was only a delay."""
    if fault.delay:
        await asyncio.sleep(fault.delay)
    if fault.drop_connection:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=502)
    if fault.status is None:
        return None
    body = fault.body if fault.body is not None else {"message": f"ordered fault {fault.status}"}
    kind = "application/json" if request.path.startswith(API) else "text/plain"
    return web.Response(
        status=fault.status,
        headers={"Content-Type": kind, **fault.headers},
        body=json.dumps(body).encode(),
    )

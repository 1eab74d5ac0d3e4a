"""The REST service: the path of every request from credentials to checked answer."""

import hashlib
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from aiohttp import web

from bot.playground.github.auth import ANONYMOUS, Auth, Principal
from bot.playground.github.errors import ApiError, not_found
from bot.playground.github.grants import needs_header
from bot.playground.github.hub import Hub, RequestLog
from bot.playground.github.rest import ROUTES
from bot.playground.github.rest.call import Call, Reply, Route
from bot.playground.github.rest.openapi import Operation, load_spec

API = "/api/v3"
LOGGED = 50_000
API_VERSION = "2022-11-28"
_WHO = web.RequestKey("principal", Principal)
Answerer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Api:
    """REST as aiohttp handlers."""

    def __init__(self, hub: Hub, auth: Auth) -> None:
        self._hub = hub
        self._auth = auth
        self._spec = load_spec(hub.config.spec) if hub.config.spec is not None else None

    def add_routes(self, app: web.Application) -> None:
        """Add every operation to the application, and GitHub's 404 for all other paths."""
        for route in ROUTES:
            app.router.add_route(route.method, API + route.path, self._handler(route))
        app.router.add_route("*", API + "/{tail:.*}", self._unknown)

    def _operation(self, route: Route) -> Operation | None:
        if self._spec is None:
            return None
        template = re.sub(r"\{(\w+):[^}]*\}", r"{\1}", route.described)
        return self._spec.operations.get((route.method, template))

    def _handler(self, route: Route) -> Answerer:
        operation = self._operation(route)

        async def handle(request: web.Request) -> web.StreamResponse:
            who = ANONYMOUS
            try:
                who = self._enter(request)
                reply = await self._answer(request, who, route, operation)
            except ApiError as error:
                reply = Reply(status=error.status, body=error.body(), headers=error.headers)
            self._check_answer(operation, reply)
            if who.installation is not None:
                reply = replace(reply, headers={**needs_header(route.accepts), **reply.headers})
            return self._response(request, who, reply)

        return handle

    async def _unknown(self, request: web.Request) -> web.StreamResponse:
        """An operation that the stand-in does not know; with a description that is a violation."""
        if self._spec is not None:
            self._violate([f"{request.method} {request.path}: unknown operation"])
        reply = Reply(status=404, body=not_found().body())
        return self._response(request, ANONYMOUS, reply)

    def _enter(self, request: web.Request) -> Principal:
        """Version, credentials and budget, in GitHub's order."""
        version = request.headers.get("X-GitHub-Api-Version", API_VERSION)
        if version != API_VERSION:
            raise ApiError(400, f"{version!r} is not a supported version")
        if not request.headers.get("User-Agent"):
            raise ApiError(403, "Request forbidden by administrative rules. Please send a User-Agent.")
        who = self._auth.principal(request.headers.get("Authorization"))
        request[_WHO] = who
        return who

    async def _answer(
        self, request: web.Request, who: Principal, route: Route, operation: Operation | None
    ) -> Reply:
        if not request.path.endswith("/rate_limit"):
            self._hub.limits.spend(who.name)
        with self._hub.limits.working(who.name, writes=request.method not in {"GET", "HEAD"}):
            return await self._work(request, who, route, operation)

    async def _work(
        self, request: web.Request, who: Principal, route: Route, operation: Operation | None
    ) -> Reply:
        call = await self._call(request, who)
        if route.needs:
            self._auth.require(who, call.repo(), route.needs)
        self._check_request(operation, call)
        if route.content:
            self._hub.limits.spend_content(who.name)
        return await route.handler(call)

    async def _call(self, request: web.Request, who: Principal) -> Call:
        if "\0" in "".join((*request.match_info.values(), *request.query.values())):
            raise not_found()  # Neither a name nor a git revision can hold it.
        raw = await request.read()
        body: Any = None
        if raw:
            try:
                body = json.loads(raw)
            except ValueError as error:
                raise ApiError(400, "Problems parsing JSON") from error
        return Call(
            hub=self._hub,
            auth=self._auth,
            who=who,
            path=request.path.removeprefix(API),
            params=dict(request.match_info),
            query=dict(request.query),
            body=body,
            accept=request.headers.get("Accept", ""),
        )

    def _check_request(self, operation: Operation | None, call: Call) -> None:
        if self._spec is None or operation is None:
            return
        faults = self._spec.check_query(operation, dict(call.query))
        faults += self._spec.check_body(operation, call.body)
        if faults:
            self._violate(faults)
            raise ApiError(422, f"Invalid request.\n\n{'; '.join(faults)}", errors=list(faults))

    def _check_answer(self, operation: Operation | None, reply: Reply) -> None:
        if self._spec is None or operation is None or not reply.content_type.startswith("application/json"):
            return
        body = reply.body
        if reply.status >= 400 and isinstance(body, dict) and isinstance(body.get("errors"), list):  # noqa: PLR2004
            # Two shapes of validation errors exist; the description names one of them for each operation.
            body = {key: value for key, value in body.items() if key != "errors"}
        self._violate(self._spec.check_answer(operation, reply.status, body))

    def _violate(self, faults: list[str]) -> None:
        self._hub.journal.violations.extend(faults)

    def _response(self, request: web.Request, who: Principal, reply: Reply) -> web.Response:
        headers = {
            "X-GitHub-Request-Id": hashlib.sha256(str(id(request)).encode()).hexdigest()[:24].upper(),
            "X-GitHub-Media-Type": "github.v3; format=json",
            "x-github-api-version-selected": API_VERSION,
            **self._hub.limits.headers(who.name),
            **reply.headers,
        }
        if reply.body is None:
            return web.Response(status=reply.status, headers=headers)
        headers["Content-Type"] = "application/json; charset=utf-8"
        if isinstance(reply.body, bytes):
            data = reply.body
        elif reply.content_type.startswith("application/json"):
            data = json.dumps(reply.body).encode()
        else:
            data = str(reply.body).encode()
        if reply.content_type != "application/json":
            headers["Content-Type"] = reply.content_type
        if request.method == "GET" and reply.status == 200:  # noqa: PLR2004
            headers["ETag"] = f'W/"{hashlib.sha256(data).hexdigest()}"'
            if request.headers.get("If-None-Match") == headers["ETag"]:
                return web.Response(status=304, headers=headers)
        return web.Response(status=reply.status, headers=headers, body=data)


def log_request(hub: Hub, request: web.Request, status: int) -> None:
    """Write one line of the request log; the query is part of the path."""
    who = request.get(_WHO)
    entry = RequestLog(
        method=request.method,
        path=str(request.rel_url),
        status=status,
        actor=who.name if who is not None else "",
        at=hub.config.clock(),
    )
    log = hub.journal.requests
    log.append(entry)
    if len(log) > LOGGED:
        del log[: LOGGED // 2]

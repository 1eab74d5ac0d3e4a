"""The web application: its routes in one table, and the runner that serves it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.web import health, login, webhook
from bot.web.api import routes as api
from bot.web.middleware import AccessLog, errors, harden
from bot.web.pages import acts, environments, run_list, runs, stream
from bot.web.services import SERVICES, WebServices

_FILES: Final = Path(__file__).parent / "pages"

_HEALTH: Final = [
    web.get("/healthz", health.alive),
    web.get("/readyz", health.ready),
    web.get("/metrics", health.metrics),
]
_API: Final = [
    web.get("/api/v1/openapi.json", api.describe),
    web.get("/api/v1/runs", api.list_runs),
    web.get("/api/v1/runs/{id}", api.show_run),
    web.get("/api/v1/runs/{id}/timeline", api.show_timeline),
    web.get("/api/v1/repos/{owner}/{name}/policies", api.list_policies),
    web.get("/api/v1/repos/{owner}/{name}/policies/{digest}", api.show_policy),
]


def create_app(services: WebServices) -> web.Application:
    """Return the application; `create_runner` serves it with the right logs."""
    app = web.Application(middlewares=[errors], client_max_size=services.max_body)
    app[SERVICES] = services
    app[health.READINESS] = health.Readiness()
    app[stream.STREAMS] = stream.Streams()
    app.on_response_prepare.append(harden)
    app.on_shutdown.append(stream.close_streams)
    app.add_routes(
        [
            *_HEALTH,
            *_API,
            web.post("/webhooks/github", webhook.receive),
            web.get("/", health.front),
            web.get("/style.css", _file("style.css")),
            web.get("/live.js", _file("live.js")),
            web.get("/login", login.begin),
            web.get("/login/callback", login.callback),
            web.post("/logout", login.logout),
            web.get("/environments", environments.show),
            web.get("/runs", run_list.show_list),
            web.get("/runs/{id}", runs.show),
            web.get("/runs/{id}/log", runs.show_log),
            web.get("/runs/{id}/stream", stream.stream),
            web.post("/runs/{id}/cancel", acts.cancel),
            web.post("/runs/{id}/artifacts/{name}", acts.download),
        ]
    )
    return app


def create_worker_app(services: WebServices) -> web.Application:
    """Return the application of a process without pages: health and metrics only."""
    app = web.Application(middlewares=[errors])
    app[SERVICES] = services
    app[health.READINESS] = health.Readiness()
    app.on_response_prepare.append(harden)
    app.add_routes(_HEALTH)
    return app


def _is_worth_logging(record: logging.LogRecord) -> bool:
    """Drop the server's traceback of an undecodable body, which was answered with 400."""
    return record.exc_info is None or not isinstance(record.exc_info[1], web.RequestPayloadError)


def create_runner(app: web.Application) -> web.AppRunner:
    """Return a runner with a structured access log; the caller sets it up."""
    logging.getLogger("aiohttp.server").addFilter(_is_worth_logging)
    return web.AppRunner(app, access_log_class=AccessLog, access_log=logging.getLogger("gatewright.access"))


def _file(name: str) -> Handler:
    async def send(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(_FILES / name, headers={"Cache-Control": "max-age=3600"})

    return send

"""The lifecycle of a process in any role."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Final

from aiohttp import web

from bot.adapters.database.connection.schema import migrate
from bot.adapters.hardening import hide_from_others
from bot.app import Parts, build
from bot.composition.adapters import make_redactor
from bot.domain.core.errors import GatewrightError
from bot.logs import configure_logging
from bot.settings import PREFIX, EnvironmentSecrets, Settings, SettingsError
from bot.web.app import create_app, create_runner, create_worker_app

_LOG = logging.getLogger(__name__)


class Role(StrEnum):
    """The task of a process."""

    SERVE = "serve"
    """Web and work."""
    WEB_ONLY = "web-only"
    """Accepts webhooks and serves pages; workers do the work."""
    WORKER = "worker"
    """Does the work; serves at most health checks."""


_COMMANDS: Final = {
    Role.SERVE: "`gatewright serve`",
    Role.WEB_ONLY: "`gatewright serve --web-only`",
    Role.WORKER: "`gatewright worker`",
}


async def run_forever(settings: Settings, secrets: EnvironmentSecrets, role: Role) -> int:
    """Run until SIGTERM or SIGINT; then start nothing new and wait for running applies.

    GatewrightError ends it at once: a failed start-up check, or takeover by other workers.
    """
    _require_database(settings, role)
    hide_from_others()
    configure_logging(
        level=settings.log_level, form=settings.log_format, redact=make_redactor(settings, secrets)
    )
    if settings.database.startswith("sqlite"):
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        await asyncio.to_thread(migrate, settings.database)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    shared = settings.listed.shared_credentials()
    if shared is not None:
        _LOG.warning("%s", shared)
    async with build(settings, secrets, listen=role is not Role.WEB_ONLY) as parts:
        await prove(parts, role)
        await parts.adapters.engine.start(parts.work)
        try:
            async with _keeping_up(parts, role), _listening(parts, role):
                await _until_stopped(stop, parts)
        finally:
            await parts.adapters.engine.stop(settings.drain_seconds)
    return 0


def _require_database(settings: Settings, role: Role) -> None:
    if role is not Role.SERVE and settings.database.startswith("sqlite"):
        raise SettingsError(
            f"{_COMMANDS[role]} needs PostgreSQL: a SQLite file is run by one process, which is `gatewright serve`."
            f" Set {PREFIX}DATABASE_URL to postgresql://…, the same for every process."
        )


@asynccontextmanager
async def _keeping_up(parts: Parts, role: Role) -> AsyncIterator[None]:
    """Run periodic duties meanwhile: shared stores are cleaned by one worker at a time."""
    if role is Role.WEB_ONLY:
        yield
        return
    tasks = (
        asyncio.create_task(parts.background.upkeep.run_forever(), name="upkeep"),
        asyncio.create_task(parts.background.reconciling.run_forever(), name="reconciling"),
        asyncio.create_task(parts.background.periodic.run_forever(), name="periodic"),
    )
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def _listening(parts: Parts, role: Role) -> AsyncIterator[None]:
    """Serve HTTP meanwhile, if this role does."""
    settings = parts.adapters.settings
    worker = role is Role.WORKER
    port = settings.worker_port if worker else settings.port
    if worker and not port:
        _LOG.info("worker: working with the database %s", settings.database_label)
        yield
        return
    app = create_worker_app(parts.web) if worker else create_app(parts.web)
    runner = create_runner(app)
    try:
        await runner.setup()
        await web.TCPSite(runner, settings.host, port).start()
        _LOG.info(
            "%s: listening on http://%s:%s, database %s",
            role.value,
            settings.host,
            port,
            settings.database_label,
        )
        yield
    finally:
        await runner.cleanup()


async def _until_stopped(stop: asyncio.Event, parts: Parts) -> None:
    """Wait for the end; GatewrightError if other workers have taken over this process's work."""
    told = asyncio.create_task(stop.wait())
    displaced = asyncio.create_task(parts.adapters.engine.displaced())
    try:
        await asyncio.wait((told, displaced), return_when=asyncio.FIRST_COMPLETED)
        if displaced.done() and not stop.is_set():
            raise GatewrightError(
                f"this process was silent for longer than {parts.adapters.settings.takeover_seconds:g} s and others took over"
                " its work; start it again"
            )
    finally:
        told.cancel()
        displaced.cancel()


async def prove(parts: Parts, role: Role) -> None:
    """Check that all parts are safe to use; GatewrightError with the reason if one is not."""
    adapters = parts.adapters
    await adapters.records.check()
    await adapters.artifacts.probe()
    await adapters.states.probe()
    if adapters.sandbox is not None and role is not Role.WEB_ONLY:
        await adapters.sandbox.prove()

"""The life of a process, whatever its role."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Final

from aiohttp import web

from bot.adapters.database.schema import migrate, schema_status
from bot.adapters.hardening import hide_from_others
from bot.app import Parts, build
from bot.composition.outside import make_redactor
from bot.domain.errors import GatewrightError
from bot.engine import migrate_engine
from bot.logs import configure_logging
from bot.settings import PREFIX, EnvironmentSecrets, Settings, SettingsError
from bot.web.app import create_app, create_runner, create_worker_app

_LOG = logging.getLogger(__name__)


def migrate_database(settings: Settings, *, status_only: bool) -> tuple[str, bool]:
    """Migrate, or only tell; returns a sentence and whether the code can work with the schema."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not status_only:
        migrate(settings.database, takeover_seconds=settings.takeover_seconds)
        migrate_engine(settings.database, takeover_seconds=settings.takeover_seconds)
    status = schema_status(settings.database)
    if status.is_newer:
        word = "the schema is newer, which this program can work with"
    else:
        word = "they differ: run `gatewright migrate`" if status.pending else "they agree"
    return f"schema {status.current or 'none'}, code {status.head}: {word}", not status.pending


class Role(StrEnum):
    """What a process does."""

    SERVE = "serve"
    """Web and work."""
    WEB_ONLY = "web-only"
    """Accepts webhooks and serves pages; workers do the work."""
    WORKER = "worker"
    """Does the work; answers at most to whoever watches over it."""


_COMMANDS: Final = {
    Role.SERVE: "`gatewright serve`",
    Role.WEB_ONLY: "`gatewright serve --web-only`",
    Role.WORKER: "`gatewright worker`",
}


async def run_forever(settings: Settings, secrets: EnvironmentSecrets, role: Role) -> int:
    """Run until SIGTERM or SIGINT; then take up nothing new and wait for running applies.

    GatewrightError ends it at once: a part that is not fit, or other workers that took this one for dead.
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
        await parts.outside.engine.start(parts.work)
        try:
            async with _keeping_up(parts, role), _listening(parts, role):
                await _until_told(stop, parts)
        finally:
            await parts.outside.engine.stop(settings.drain_seconds)
    return 0


def _require_database(settings: Settings, role: Role) -> None:
    if role is not Role.SERVE and settings.database.startswith("sqlite"):
        raise SettingsError(
            f"{_COMMANDS[role]} needs PostgreSQL: a SQLite file is run by one process, which is `gatewright serve`."
            f" Set {PREFIX}DATABASE_URL to postgresql://…, the same for every process."
        )


@asynccontextmanager
async def _keeping_up(parts: Parts, role: Role) -> AsyncIterator[None]:
    """Prune and tick meanwhile: each worker its own directories, and whoever comes first what all share."""
    if role is Role.WEB_ONLY:
        yield
        return
    chores = (
        asyncio.create_task(parts.background.upkeep.run_for_ever(), name="upkeep"),
        asyncio.create_task(parts.background.reconciling.run_for_ever(), name="reconciling"),
        asyncio.create_task(parts.background.ticking.go_on(), name="ticking"),
    )
    try:
        yield
    finally:
        for chore in chores:
            chore.cancel()
        await asyncio.gather(*chores, return_exceptions=True)


@asynccontextmanager
async def _listening(parts: Parts, role: Role) -> AsyncIterator[None]:
    """Answer HTTP meanwhile, where this role does."""
    settings = parts.outside.settings
    worker = role is Role.WORKER
    port = settings.worker_port if worker else settings.port
    if worker and not port:
        _LOG.info("working")
        yield
        return
    app = create_worker_app(parts.web) if worker else create_app(parts.web)
    runner = create_runner(app)
    try:
        await runner.setup()
        await web.TCPSite(runner, settings.host, port).start()
        _LOG.info("%s: listening on http://%s:%s", role.value, settings.host, port)
        yield
    finally:
        await runner.cleanup()


async def _until_told(stop: asyncio.Event, parts: Parts) -> None:
    """Wait for the end; GatewrightError when it is that others do this process's work now."""
    told = asyncio.create_task(stop.wait())
    displaced = asyncio.create_task(parts.outside.engine.displaced())
    try:
        await asyncio.wait((told, displaced), return_when=asyncio.FIRST_COMPLETED)
        if displaced.done() and not stop.is_set():
            raise GatewrightError(
                f"this process was silent for longer than {parts.outside.settings.takeover_seconds:g} s and others took over"
                " its work; start it again"
            )
    finally:
        told.cancel()
        displaced.cancel()


async def prove(parts: Parts, role: Role) -> None:
    """Refuse to run on parts that do not do what safety needs; each raises GatewrightError with the reason."""
    outside = parts.outside
    await outside.records.check()
    await outside.artifacts.probe()
    await outside.states.probe()
    if outside.sandbox is not None and role is not Role.WEB_ONLY:
        await outside.sandbox.prove()

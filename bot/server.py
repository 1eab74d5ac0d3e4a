"""The life of a serving process."""

from __future__ import annotations

import asyncio
import logging
import signal

from aiohttp import web

from bot.adapters.database.schema import migrate, schema_status
from bot.adapters.hardening import hide_from_others
from bot.app import Parts, build
from bot.logs import configure_logging
from bot.settings import EnvironmentSecrets, Settings
from bot.web.app import create_runner
from bot.wiring import make_redactor

_LOG = logging.getLogger(__name__)


def migrate_database(settings: Settings, *, status_only: bool) -> tuple[str, bool]:
    """Migrate, or only tell; returns a sentence and whether code and schema agree."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not status_only:
        migrate(settings.database)
    status = schema_status(settings.database)
    agrees = not status.pending
    word = "agree" if agrees else "differ: run `gatewright migrate`"
    return f"schema {status.current or 'none'}, code {status.head}: they {word}", agrees


async def serve_forever(settings: Settings, secrets: EnvironmentSecrets) -> int:
    """Serve until SIGTERM or SIGINT; then take up nothing new and wait for running applies."""
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
    async with build(settings, secrets) as parts:
        await prove(parts)
        await parts.engine.start(parts.work)
        upkeep = asyncio.create_task(parts.upkeep.run_for_ever(), name="upkeep")
        runner = create_runner(parts.web)
        ticking = asyncio.create_task(parts.ticking.go_on(), name="ticking")
        try:
            await runner.setup()
            site = web.TCPSite(runner, settings.host, settings.port)
            await site.start()
            _LOG.info("listening on http://%s:%s", settings.host, settings.port)
            await stop.wait()
        finally:
            for chore in (upkeep, ticking):
                chore.cancel()
            await asyncio.gather(upkeep, ticking, return_exceptions=True)
            await runner.cleanup()
            await parts.engine.stop(settings.drain_seconds)
    return 0


async def prove(parts: Parts) -> None:
    """Refuse to run on parts that do not do what safety needs; each raises GatewrightError with the reason."""
    await parts.database.check()
    await parts.artifacts.probe()
    await parts.states.probe()
    if parts.sandbox is not None:
        await parts.sandbox.prove()

"""Build the program from its parts; `bot.composition` wires each part."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.adapters.github.options import Options
from bot.composition.adapters import Adapters, open_adapters
from bot.composition.background import Background, make_background
from bot.composition.runs import Runs
from bot.composition.services import Services
from bot.composition.web import make_web
from bot.composition.work import make_bot, make_work
from bot.engine.config import Work
from bot.settings import EnvironmentSecrets, Settings
from bot.web.services import WebServices


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts that the server checks, starts and stops."""

    adapters: Adapters
    work: Work
    web: WebServices
    background: Background


@asynccontextmanager
async def build(
    settings: Settings,
    secrets: EnvironmentSecrets,
    *,
    patience: float = Options().patience,
    listen: bool = True,
) -> AsyncIterator[Parts]:
    """Build everything without starting anything; closes what was opened on errors.

    `patience` is the maximum number of seconds of a call to GitHub with all its retries. Without `listen` it
    accepts work and executes none.
    """
    async with open_adapters(settings, secrets, patience=patience, listen=listen) as adapters:
        services = Services(adapters)
        runs = Runs(adapters, services)
        bot = make_bot(adapters, services, runs)
        yield Parts(
            adapters=adapters,
            work=make_work(adapters, services, runs, bot),
            web=make_web(adapters, services),
            background=make_background(adapters, services, runs),
        )

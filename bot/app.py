"""The program, put together; what each part is made of is said in `bot.composition`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.adapters.github.options import Options
from bot.composition.background import Background, make_background
from bot.composition.outside import Outside, open_outside
from bot.composition.runs import Runs
from bot.composition.services import Services
from bot.composition.web import make_web
from bot.composition.work import make_bot, make_work
from bot.engine.config import Work
from bot.settings import EnvironmentSecrets, Settings
from bot.web.services import WebServices


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the server proves, starts and stops."""

    outside: Outside
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
    """Build everything without starting anything; closes what was opened.

    `patience` is how many seconds a call to GitHub may take with all its retries. One that does not `listen` accepts
    work and runs none.
    """
    async with open_outside(settings, secrets, patience=patience, listen=listen) as outside:
        services = Services(outside)
        runs = Runs(outside, services)
        bot = make_bot(outside, services, runs)
        yield Parts(
            outside=outside,
            work=make_work(outside, services, runs, bot),
            web=make_web(outside, services),
            background=make_background(outside, services, runs),
        )

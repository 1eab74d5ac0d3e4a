"""The real server with little patience, so that a test sees what happens when everything is given up.

`python -m tests.e2e.crash.impatient_bot`: a call to GitHub is tried for a second, a step of work three times.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from functools import partial

import bot.app
import bot.composition.adapters
import bot.server
from bot.domain.core.retries import Retries
from bot.engine import Engine, EngineConfig
from bot.settings import load


def impatient(config: EngineConfig) -> Engine:
    short = Retries(attempts=3, first_wait=0.1, factor=1.0)
    return Engine(replace(config, retries=short, report_retries=replace(short, attempts=1000)))


if __name__ == "__main__":
    setattr(bot.composition.adapters, "Engine", impatient)  # noqa: B010 - a name that the module only imports
    setattr(bot.server, "build", partial(bot.app.build, patience=1.0))  # noqa: B010 - as above
    sys.exit(asyncio.run(bot.server.run_forever(*load(), bot.server.Role.SERVE)))

"""`python -m tests.recorder ORGANISATION`: ask GitHub what the documentation does not say, and keep its answers."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from pydantic import ValidationError

from bot.adapters.clock import SystemClock
from bot.adapters.github.options import Waits
from bot.domain.core.errors import GatewrightError
from bot.domain.core.write_buckets import WriteLimits
from tests.recorder.evening import Tools, play
from tests.recorder.plan import MOST_REPOSITORIES, MOST_REQUESTS, RECORDED, Plan, RefusedError
from tests.recorder.settings import RecorderSettings
from tests.recorder.table import EXPERIMENTS
from tests.recorder.terminal import Terminal


def arguments(argv: list[str] | None = None) -> Plan:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.recorder", description=__doc__)
    parser.add_argument("organisation", help="a throw-away organisation; it must hold almost nothing")
    parser.add_argument("--only", action="append", default=[], choices=EXPERIMENTS, metavar="EXPERIMENT")
    parser.add_argument("--repository", default="", help="use the repository that an earlier evening made")
    parser.add_argument("--most-repositories", type=int, default=MOST_REPOSITORIES)
    parser.add_argument("--most-requests", type=int, default=MOST_REQUESTS)
    parser.add_argument(
        "--with-limits", action="store_true", help="run into a limit on purpose, once, at the end"
    )
    parser.add_argument("--delete", action="store_true", help="delete at the end what this run has made")
    parser.add_argument("--directory", type=Path, default=RECORDED, help="where the recordings are written")
    return Plan(**vars(parser.parse_args(argv)))


async def main(plan: Plan) -> int:
    """Play the evening; the exit code tells whether anything was recorded."""
    terminal = Terminal()
    try:
        settings = RecorderSettings()
        tools = Tools(clock=SystemClock(), waits=Waits(), person=terminal, limits=WriteLimits())
        recordings = await play(plan, settings, tools)
    except ValidationError as error:
        terminal.say(
            f"set RECORDER_TOKEN; docs/first-evening.md says what it must be able to do ({error.error_count()} missing)"
        )
        return 2
    except (RefusedError, GatewrightError, OSError) as error:
        terminal.say(f"{error}")
        return 2
    terminal.say(f"{len(recordings)} recordings are in {plan.directory}; README.md there has what was found")
    return 0 if recordings else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(arguments())))

"""`python -m tests.chaos [--seed N] [--short] [--workers]`: kill the bot at random, and see whether anything was lost."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from bot.playground.stack import Playground
from tests.chaos.ground import REPOSITORIES
from tests.chaos.trial import FULL, SETTINGS, SHORT, Trial, judge, tell
from tests.chaos.victims import Several, Single, Victims
from tests.e2e.workers.fleet import Fleet
from tests.fakes.postgres_server import running_postgres

_LEAST_PER_STAGE = 5
_STAGES = ("accepted", "handling", "checkout", "planning", "gates", "applying", "telling")


async def main(given: argparse.Namespace) -> int:
    """Run one trial; the exit code tells whether everything was as promised."""
    sys.stdout.write(f"seed {given.seed} (SEED={given.seed} repeats the choices)\n")
    async with AsyncExitStack() as stack:
        directory = given.dir or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="gatewright-chaos-"))
        )
        playground, victims = await _scene(given, directory, stack)
        stack.push_async_callback(playground.stop)
        scale = (
            SHORT
            if given.short
            else replace(FULL, kills=given.kills, rounds=min(FULL.rounds, max(2, given.kills // 10)))
        )
        trial = Trial(playground=playground, victims=victims, scale=scale, seed=given.seed)
        stack.callback(tell, trial)
        await playground.start()
        await trial.run()
        findings = await asyncio.to_thread(judge, trial)
    if not given.short and given.kills >= FULL.kills:
        rare = [stage for stage in _STAGES if trial.stages[stage] < _LEAST_PER_STAGE]
        findings += [f"killed fewer than {_LEAST_PER_STAGE} times: {', '.join(rare)}"] if rare else []
    sys.stdout.write("\n".join(findings or ["nothing was lost, nothing was done twice"]) + "\n")
    return 1 if findings else 0


async def _scene(
    given: argparse.Namespace, directory: Path, stack: AsyncExitStack
) -> tuple[Playground, Victims]:
    if not given.workers:
        playground = Playground(directory=directory, extra=SETTINGS, repositories=REPOSITORIES, limits=False)
        return playground, Single(playground=playground)
    server = await stack.enter_async_context(running_postgres())
    fleet = Fleet(
        directory=directory,
        extra=SETTINGS,
        repositories=REPOSITORIES,
        limits=False,
        database_url=f"{server}/postgres",
    )
    return fleet, Several(fleet=fleet)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--short", action="store_true", help="a few kills, as the test suite does")
    parser.add_argument("--kills", type=int, default=FULL.kills, help="how often; the work grows with it")
    parser.add_argument("--workers", action="store_true", help="two workers over PostgreSQL")
    parser.add_argument("--dir", type=Path, help="directory of the playground; kept, for its logs")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(arguments())))

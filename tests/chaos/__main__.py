"""`python -m tests.chaos [--seed N] [--short]`: kill the bot at random, and see whether anything was lost."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import tempfile
from pathlib import Path

from bot.playground.stack import Playground
from tests.chaos.trial import FULL, SETTINGS, SHORT, Trial, judge, tell

_LEAST_PER_STAGE = 5
_STAGES = ("accepted", "handling", "checkout", "planning", "gates", "applying", "telling")


async def main(given: argparse.Namespace) -> int:
    """Run one trial; the exit code tells whether everything was as promised."""
    sys.stdout.write(f"seed {given.seed} (SEED={given.seed} repeats the choices)\n")
    with tempfile.TemporaryDirectory(prefix="gatewright-chaos-") as place:
        playground = Playground(directory=given.dir or Path(place), extra=SETTINGS)
        trial = Trial(playground=playground, scale=SHORT if given.short else FULL, seed=given.seed)
        try:
            await playground.start()
            await trial.run()
            findings = await asyncio.to_thread(judge, trial)
        finally:
            tell(trial)
            await playground.stop()
    if not given.short:
        rare = [stage for stage in _STAGES if trial.stages[stage] < _LEAST_PER_STAGE]
        findings += [f"killed fewer than {_LEAST_PER_STAGE} times: {', '.join(rare)}"] if rare else []
    sys.stdout.write("\n".join(findings or ["nothing was lost, nothing was done twice"]) + "\n")
    return 1 if findings else 0


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--short", action="store_true", help="a few kills, as the test suite does")
    parser.add_argument("--dir", type=Path, help="directory of the playground; kept, for its logs")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(arguments())))

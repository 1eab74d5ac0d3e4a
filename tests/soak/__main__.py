"""`python -m tests.soak [storm] [flood] [--seed N] [--short]`: an hour of a busy organisation, and a flood under GitHub's limits."""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.fakes.postgres_server import running_postgres
from tests.soak import judging, limits, storm

KINDS = ("storm", "flood")


async def main(given: argparse.Namespace) -> int:
    """Run what is asked for; the exit code tells whether everything was as promised."""
    findings = []
    with tempfile.TemporaryDirectory(prefix="gatewright-soak-") as place:
        directory = given.dir or Path(place)
        directory.mkdir(exist_ok=True)
        if "storm" in given.what:
            findings += await _storm(directory / "storm", given)
        if "flood" in given.what:
            findings += await _flood(directory / "flood", given)
    load = f"load of this machine now: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    sys.stdout.write("\n".join([*(findings or ["everything was as promised"]), load]) + "\n")
    return 1 if findings else 0


async def _storm(directory: Path, given: argparse.Namespace) -> list[str]:
    sys.stdout.write(f"seed {given.seed} (SEED={given.seed} repeats the choices)\n")
    directory.mkdir()
    scale = storm.SHORT if given.short else storm.FULL.lasting(given.minutes)
    made = storm.make(directory, scale, given.seed)
    try:
        await made.ground.start()
        await made.run()
        findings = await asyncio.to_thread(judging.judge, made)
        sys.stdout.write(f"{judging.summary(made)}\n")
        return [*findings, *judging.growth(made)]
    finally:
        await made.ground.stop()


async def _flood(directory: Path, given: argparse.Namespace) -> list[str]:
    directory.mkdir()
    async with running_postgres() as server:
        scale = limits.SHORT if given.short else limits.FULL
        flood = limits.make(directory, f"{server}/postgres", scale)
        try:
            await flood.fleet.start()
            await flood.run()
            sys.stdout.write(f"{flood.summary()}\n")
            return flood.findings()
        finally:
            await flood.fleet.stop()


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("what", nargs="*", metavar="|".join(KINDS), help="both without it")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--short", action="store_true", help="as the test suite does")
    parser.add_argument("--minutes", type=float, default=storm.FULL.minutes, help="of the storm")
    parser.add_argument("--dir", type=Path, help="directory of the playgrounds; kept, for their logs")
    given = parser.parse_args(argv)
    given.what = given.what or list(KINDS)
    return given


if __name__ == "__main__":
    sys.exit(asyncio.run(main(arguments())))

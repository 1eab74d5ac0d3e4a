"""`python -m tests.stalls`: cut a worker off from PostgreSQL at every place of a run and of an idle minute."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from tests.fakes.postgres_server import running_postgres
from tests.stalls.trial import Coverage, Lane, lane, places, tell, trial


async def main(given: argparse.Namespace) -> int:
    """Try each place once; the exit code tells whether everything was as promised."""
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gatewright-stalls-")))
        server = await stack.enter_async_context(running_postgres())
        lanes = [
            await stack.enter_async_context(lane(server, _room(directory, number)))
            for number in range(given.lanes)
        ]
        found = await places(lanes[0], idle_seconds=given.idle)
        sys.stdout.write(f"{sum(found.values())} messages at {len(found)} places\n")
        chosen = [place for place in found if given.only in tell(place)][given.skip :: given.every]
        coverage = Coverage(len(found))
        waiting = iter(chosen)
        await asyncio.gather(*(_work(one, waiting, coverage, given.minutes) for one in lanes))
    sys.stdout.write("\n".join([*coverage.wrong, coverage.summary()]) + "\n")
    return 1 if coverage.wrong else 0


def _room(directory: Path, number: int) -> Path:
    room = directory / str(number)
    room.mkdir()
    return room


async def _work(lane: Lane, waiting: object, coverage: Coverage, minutes: float) -> None:
    deadline = asyncio.get_running_loop().time() + minutes * 60
    for place in waiting:  # type: ignore[attr-defined]
        if asyncio.get_running_loop().time() > deadline:
            return
        finding = await trial(lane, place)
        coverage.findings.append(finding)
        outcome = finding.wrong or (
            f"taken over after {finding.seconds:.1f} s" if finding.number else "not reached"
        )
        sys.stdout.write(f"{len(coverage.findings)}: {tell(place)}: {outcome}\n")
        sys.stdout.flush()


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.stalls", description=__doc__)
    parser.add_argument("--lanes", type=int, default=2, help="trials at once")
    parser.add_argument("--idle", type=float, default=60.0, help="seconds of idling to look at")
    parser.add_argument("--every", type=int, default=1, help="of so many places try one")
    parser.add_argument("--only", default="", help="places with these words alone")
    parser.add_argument("--skip", type=int, default=0, help="leave out so many places at the beginning")
    parser.add_argument("--minutes", type=float, default=90.0, help="begin no trial after so long")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(arguments())))

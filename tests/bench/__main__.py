"""`python -m tests.bench [--sizes 10,100,1000] [--runs N] [--json FILE]`."""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from pathlib import Path

from bot.playground.stack import Playground
from tests.bench.measuring import SIZES, Measured, measure
from tests.bench.table import show


def main() -> None:
    """Measure and print; it never fails for being slow."""
    asyncio.run(_main(_arguments()))


async def _main(given: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="gatewright-bench-") as place:
        playground = Playground(directory=given.dir or Path(place))
        try:
            await playground.start()
            measured: list[Measured] = [
                await measure(playground, size, runs=given.runs) for size in given.sizes
            ]
        finally:
            await playground.stop()
    show(measured)
    if given.json is not None:
        given.json.write_text(json.dumps([one.as_json() for one in measured], indent=2) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description="Gatewright against plain Terraform, side by side."
    )
    parser.add_argument("--sizes", type=_sizes, default=SIZES, help="numbers of resources, as 10,100,1000")
    parser.add_argument("--runs", type=int, help="of each kind and size; 5, and 3 from 1000 resources on")
    parser.add_argument("--json", type=Path, help="file for every single figure, in seconds")
    parser.add_argument("--dir", type=Path, help="directory of the playground; kept, for its logs")
    return parser.parse_args()


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(size) for size in text.split(","))


if __name__ == "__main__":
    main()

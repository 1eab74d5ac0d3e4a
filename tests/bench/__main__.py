"""`python -m tests.bench [plans] [people] [deliveries] [memory] [workers] [github] [work] [--sizes 10,100,1000] [--shapes count,blocks] [--runs N] [--json FILE]`."""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bot.playground.stack import Playground
from tests.bench.calls import measure_calls, show_calls
from tests.bench.deliveries import measure_deliveries, show_deliveries
from tests.bench.measuring import SIZES, Measured, measure
from tests.bench.memory import measure_memory, show_memory
from tests.bench.module import REPOSITORIES, SHAPES, Shape
from tests.bench.people import measure_people, show_people
from tests.bench.table import show
from tests.bench.work import measure_work, show_work
from tests.bench.workers import measure_workers, show_workers

KINDS = ("memory", "plans", "people", "deliveries", "workers", "github", "work")
_ONE_BOT = frozenset(KINDS) - {"workers"}


def main() -> None:
    """Measure and print; it never fails for being slow."""
    asyncio.run(_main(arguments()))


async def _main(given: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="gatewright-bench-") as place:
        directory = given.dir or Path(place)
        measured: list[Measured] = []
        playground = Playground(directory=directory / "one", repositories=REPOSITORIES, lag=0.0)
        try:
            if _ONE_BOT & set(given.what):
                await playground.start()
            # First, for only a bot that has done nothing yet can be measured idle.
            if "memory" in given.what:
                show_memory(await measure_memory(playground, runs=given.memory_runs))
            if "plans" in given.what:
                measured = [
                    await measure(playground, size, shape, runs=given.runs)
                    for size in given.sizes
                    for shape in given.shapes
                ]
                show(measured)
            if "people" in given.what:
                show_people(await measure_people(playground, runs=given.applies, pulls=given.pulls_at_once))
            if "deliveries" in given.what:
                found = await measure_deliveries(playground, count=given.deliveries, parallel=given.parallel)
                show_deliveries(found)
            if "github" in given.what:
                show_calls(await measure_calls(playground, pulls=given.open_pulls))
            if "work" in given.what:
                spent = await measure_work(
                    playground, runs=given.acts, pulls=given.pulls_at_once, idle_seconds=given.idle_seconds
                )
                show_work(spent)
        finally:
            await playground.stop()
        if "workers" in given.what:
            rates = await measure_workers(directory, counts=given.workers, pulls=given.pulls)
            show_workers(rates)
    if given.json is not None:
        given.json.write_text(json.dumps([one.as_json() for one in measured], indent=2) + "\n")


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Return what is asked for: every benchmark unless some are named."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description="Gatewright against plain Terraform, side by side."
    )
    parser.add_argument("what", nargs="*", type=_kind, metavar="|".join(KINDS), help="all without it")
    parser.add_argument("--workers", type=_sizes, default=(1, 2, 4), help="numbers of workers, as 1,2,4")
    parser.add_argument("--pulls", type=int, default=24, help="pull requests that the workers plan")
    parser.add_argument("--open-pulls", type=int, default=200, help="of one repository, for a push to base")
    parser.add_argument("--applies", type=int, default=5, help="applies that people wait for")
    parser.add_argument("--acts", type=int, default=10, help="acts of each kind whose work is counted")
    parser.add_argument("--idle-seconds", type=float, default=30.0, help="in which an idle bot is watched")
    parser.add_argument("--pulls-at-once", type=int, default=20, help="pull requests that are opened at once")
    parser.add_argument("--deliveries", type=int, default=300, help="webhooks that are sent")
    parser.add_argument("--parallel", type=int, default=20, help="of them at once")
    parser.add_argument("--memory-runs", type=int, default=30, help="plans between two looks at the memory")
    parser.add_argument("--sizes", type=_sizes, default=SIZES, help="numbers of resources, as 10,100,1000")
    parser.add_argument("--shapes", type=_shapes, default=SHAPES, help="how they are written: count,blocks")
    parser.add_argument("--runs", type=int, help="of each kind and size; 5, and 3 from 1000 resources on")
    parser.add_argument("--json", type=Path, help="file for every single figure, in seconds")
    parser.add_argument("--dir", type=Path, help="directory of the playground; kept, for its logs")
    given = parser.parse_args(argv)
    given.what = given.what or list(KINDS)
    return given


def _kind(text: str) -> str:
    """The parser's own choices would compare an empty list with each of them."""
    if text not in KINDS:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(KINDS)}")
    return text


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(size) for size in text.split(","))


def _shapes(text: str) -> tuple[Shape, ...]:
    chosen = tuple(shape for shape in SHAPES if shape in text.split(","))
    if len(chosen) != len(text.split(",")):
        raise argparse.ArgumentTypeError(f"{text!r} is not of {', '.join(SHAPES)}")
    return chosen


if __name__ == "__main__":
    main()

"""How much memory the bot keeps: when it has done nothing yet, when it is warm, and after many runs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rich.console import Console

from bot.playground.stack import Playground
from tests.bench.acts import Acting, metrics
from tests.bench.module import Module, fresh_names

_RESIDENT = re.compile(r"^process_resident_memory_bytes ([0-9.e+]+)$", re.MULTILINE)
_MEBIBYTE = 1024 * 1024
_WARM_RUNS = 10
"""Runs after which every thread was started and every cache was filled once."""
_SIZE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Resident memory of the bot's process, in MiB."""

    idle: float
    """Ready, before the first delivery."""
    warm: float
    """After the first ten runs."""
    end: float
    runs: int
    """After the warm ones."""

    @property
    def growth(self) -> float:
        """Growth from warm to the end, as a share."""
        return self.end / self.warm - 1


async def measure_memory(playground: Playground, *, runs: int) -> Kept:
    """Start the bot anew, because its first start also made the database, and let it plan one pull request over and over."""
    await playground.bot.stop()
    await playground.start_bot()
    idle = await _resident(playground)
    module = Module(name=next(fresh_names), size=_SIZE, version=playground.engine.version)
    acting = Acting(playground=playground, module=module)
    await acting.create()
    await acting.open()
    for _ in range(_WARM_RUNS - 1):
        await acting.comment()
    warm = await _resident(playground)
    for _ in range(runs):
        await acting.comment()
    return Kept(idle=idle, warm=warm, end=await _resident(playground), runs=runs)


def show_memory(kept: Kept) -> None:
    """Print the figures."""
    Console().print(
        f"memory: {kept.idle:.0f} MiB idle, {kept.warm:.0f} MiB after {_WARM_RUNS} runs,"
        f" {kept.end:.0f} MiB after {kept.runs} more ({kept.growth:+.1%})"
    )


async def _resident(playground: Playground) -> float:
    found = _RESIDENT.search(await metrics(playground))
    if found is None:
        raise LookupError("the bot's metrics do not tell its memory; only Linux has that")
    return float(found[1]) / _MEBIBYTE

"""Rounds of one size: plain Terraform and each kind of act by turns, so that a busy moment hits both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from bot.playground.stack import Playground
from tests.bench.acts import Acting
from tests.bench.module import Module, Shape, fresh_names
from tests.bench.plain import plain_plan

SIZES = (10, 100, 1000)
KINDS = {
    "first": "first plan (opened, all cold)",
    "push": "plan of a push (warm)",
    "comment": "/plan again (warm)",
}
_MANY = 1000
_FEW_RUNS, _RUNS = 3, 5

Seconds = Mapping[str, float]
"""Part -> seconds; `all` is the whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Every single figure of one size."""

    size: int
    shape: Shape
    plain: list[Seconds] = field(default_factory=list)
    """One before each act, in the order of `KINDS`."""
    ours: dict[str, list[Seconds]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    def ratio(self, kind: str) -> float:
        """Return the median of ours over the plain run just before it: what changes in between hits both alike."""
        before = self.plain[list(KINDS).index(kind) :: len(KINDS)]
        pairs = zip(self.ours[kind], before, strict=True)
        return median(ours["all"] / plain["all"] for ours, plain in pairs)

    def as_json(self) -> dict[str, Any]:
        """Return plain data."""
        ratios = {kind: round(self.ratio(kind), 3) for kind in KINDS}
        return {
            "resources": self.size,
            "shape": self.shape,
            "ratio": ratios,
            "plain": self.plain,
            "gatewright": self.ours,
        }


def middle(runs: list[Seconds]) -> dict[str, float]:
    """Return the median of each part."""
    return {part: median(run[part] for run in runs if part in run) for part in runs[0]}


async def measure(playground: Playground, size: int, shape: Shape, *, runs: int | None) -> Measured:
    """Measure one size and shape; every round has a repository of its own, so that its first plan is a cold one."""
    count = runs or (_FEW_RUNS if size >= _MANY else _RUNS)
    measured = Measured(size=size, shape=shape)
    for _ in range(count):
        module = Module(
            name=next(fresh_names),
            size=size,
            version=playground.engine.version,
            shape=shape,
        )
        acting = Acting(playground=playground, module=module)
        await acting.create()
        for kind, act in zip(KINDS, (acting.open, acting.push, acting.comment), strict=True):
            measured.plain.append(await plain_plan(playground, module, acting.generation))
            measured.ours[kind].append(await act())
    return measured

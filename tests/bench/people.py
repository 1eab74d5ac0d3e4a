"""What people wait for at the default settings: an apply beside a plan, and twenty pull requests at once."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from statistics import median

from rich.console import Console

from bot.comments.markdown.header import parse_header, stack_headers
from bot.playground.stack import Playground
from tests.bench.acts import AUTHOR, Acting, SilenceError, until_idle
from tests.bench.module import Module, fresh_names
from tests.bench.plain import plain_plan

_SIZE = 10
_STAGING, _PROD = "staging", "prod"
_AT_ONCE = 2
"""Bare Terraform's processes at the same time."""
_PATIENCE = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """Seconds that people waited, and those of bare Terraform in the same run."""

    plans: list[float]
    """`/plan staging` again."""
    applies: list[float]
    """`/apply staging`, each just after one of the plans."""
    pulls: int
    first: float
    """Until the first of the pull requests that were opened at once had all of its plans."""
    last: float
    bare: float
    """`init && plan && show -json` of the same plans, two at a time."""

    @property
    def apply_ratio(self) -> float:
        """Return the median of applies over the plan just before each."""
        return median(apply / plan for apply, plan in zip(self.applies, self.plans, strict=True))

    @property
    def pulls_ratio(self) -> float:
        """Return ours over bare Terraform."""
        return self.last / self.bare


async def measure_people(playground: Playground, *, runs: int, pulls: int) -> Waited:
    """Measure one after the other, each on an installation of its own."""
    plans, applies = [], []
    for _ in range(runs):
        plan, apply = await _apply(playground)
        plans.append(plan)
        applies.append(apply)
    module = crowded_module(playground)
    first, last = await crowd(playground, module, pulls)
    bare = await _bare(playground, module, pulls)
    return Waited(plans=plans, applies=applies, pulls=pulls, first=first, last=last, bare=bare)


def show_people(found: Waited) -> None:
    """Print the ratios side by side."""
    out = Console()
    plan, apply = median(found.plans), median(found.applies)
    out.print(
        f"/apply staging: {apply:.2f} s, {found.apply_ratio:.2f} times /plan staging again ({plan:.2f} s; at most 2)"
    )
    out.print(
        f"{found.pulls} pull requests at once, two stacks each: the first is answered after {found.first:.1f} s,"
        f" all after {found.last:.1f} s, {found.pulls_ratio:.2f} times bare Terraform ({found.bare:.1f} s; at most 4)"
    )
    out.print(f"Load of this machine now: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")


def crowded_module(playground: Playground) -> Module:
    """Return one that has two environments, of which both can be applied."""
    return Module(
        name=next(fresh_names),
        size=_SIZE,
        version=playground.engine.version,
        envs=(_STAGING, _PROD),
        is_applied=True,
    )


async def _apply(playground: Playground) -> tuple[float, float]:
    acting = Acting(playground=playground, module=crowded_module(playground))
    await acting.create()
    await acting.open()
    acting.note_plans()
    plan = await acting.comment(_STAGING)
    return plan["all"], await acting.apply(_STAGING)


async def crowd(playground: Playground, module: Module, count: int) -> tuple[float, float]:
    """Open so many pull requests at once; returns the seconds until the first and until all had their plans."""
    github = playground.github
    await github.create_repo(module.repo, files=module.files())
    await github.add_personas(module.repo)
    await until_idle(playground)
    # The stand-in's git is not ours to wait for, so all deliveries are there before the first is sent.
    github.hooks.pause()
    numbers = []
    for index in range(count):
        pull = await github.open_pull(
            module.repo, author=AUTHOR, branch=f"change-{index}", files=module.changes(index + 1)
        )
        numbers.append(pull.number)
    begun = time.monotonic()
    github.hooks.resume()
    first = await _planned(playground, module, numbers, 1) - begun
    last = await _planned(playground, module, numbers, count) - begun
    await until_idle(playground)
    return first, last


async def _planned(playground: Playground, module: Module, numbers: list[int], wanted: int) -> float:
    """Return when so many of the pull requests had a plan of every stack."""
    deadline = time.monotonic() + _PATIENCE
    while sum(_plans(playground, module, number) == len(module.envs) for number in numbers) < wanted:
        if time.monotonic() > deadline:
            raise SilenceError(playground.bot.tail())
        await asyncio.sleep(0.05)
    return time.monotonic()


def _plans(playground: Playground, module: Module, number: int) -> int:
    comments = playground.github.comments(module.repo, number)
    headers = [header for each in comments for header in stack_headers(parse_header(each.body) or {})]
    return len({header["env"] for header in headers if header.get("status") == "planned"})


async def _bare(playground: Playground, module: Module, count: int) -> float:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(generation: int, env: str) -> None:
        async with gate:
            await plain_plan(playground, module, generation, env=env)

    begun = time.monotonic()
    await asyncio.gather(*(one(index + 1, env) for index in range(count) for env in module.envs))
    return time.monotonic() - begun

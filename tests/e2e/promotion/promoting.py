"""Changes that are promoted, and their rows in the plan comment."""

from __future__ import annotations

import re

from tests.e2e.world import World

MAIN_TF = "terraform/content.tf"


async def greet(world: World, words: str) -> dict[str, str]:
    """Return a change of the module, so that staging and prod are both touched."""
    text = await world.read(MAIN_TF)
    return {MAIN_TF: text.replace("<h1>", f"<h1>{words} ", 1)}


async def row(world: World, number: int, gate: str, env: str = "prod") -> str:
    """Return the line of a gate in a plan comment, and count everything as read."""
    await world.told(number)
    comments = [heard for heard in world.watch(number).comments() if heard.is_about(kind="plan", env=env)]
    return gate_line(comments[-1].body, gate, env)


def gate_line(body: str, gate: str, env: str) -> str:
    """Return what a plan comment says of a gate of an environment; of several, the open ones are only named."""
    about = next(
        (part for part in body.split("<details>") if f"<b>{env}</b>" in part.split("\n", 1)[0]), body
    )
    found = [line for line in about.splitlines() if f" **{gate}**: " in line]
    found += [f"✅ {gate}" for line in about.splitlines() if re.search(rf" passed: .*\b{gate}\b", line)]
    [line] = found
    return line.replace("&#8203;", "")

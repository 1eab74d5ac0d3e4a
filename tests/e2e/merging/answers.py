"""Reading what the bot answers to a merge queue and to a repository without a policy."""

from __future__ import annotations

from tests.e2e.world import ADMIN, World


def answers(world: World, commit: str, *, count: int = 2) -> dict[str, str | None]:
    """Return how the checks of a group ended."""
    runs = world.github.check_runs(world.repo, commit)
    assert len(runs) == count
    return {run.name.partition("/")[2]: run.conclusion for run in runs}


async def without_policy(world: World) -> None:
    """Take the policy off the default branch, as if there never was one."""
    await world.push({"gatewright.yaml": None}, branch="main", by=ADMIN)
    await world.idle()


def said(world: World, number: int, *comments: int) -> tuple[list[str], list[str], list[str]]:
    """Return the bodies of the bot's comments, its checks of the head and its reactions."""
    bodies = [heard.body for heard in world.watch(number).comments()]
    checks = [run.name for run in world.github.check_runs(world.repo, world.head(number))]
    return bodies, checks, [word for comment in comments for word in world.reactions(comment)]

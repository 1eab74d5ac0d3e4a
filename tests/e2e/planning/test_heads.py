"""A commit can be the head of a pull request more than once, and GitHub's answers lag behind its webhooks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.world import DEV, STAGING, World

_OF_A_PUSH = 3
"""Deliveries: the push, the pull request and the check suite."""


async def back(world: World, head: str) -> None:
    """Force-push the pull request's branch back to an older commit."""
    await world.github.force_push(world.repo, "change", head, author=DEV)


def numbers(world: World, kind: str = "plan") -> list[int | None]:
    """Return the number of the head of each run, oldest first."""
    return [run["head_number"] for run in world.runs(kind=kind)]


@contextmanager
def lagging(world: World, longest: float) -> Iterator[None]:
    """Let GitHub's answers lag by up to so many seconds."""
    lag = world.github.lag
    before, lag.longest = lag.longest, longest
    try:
        yield
    finally:
        lag.longest = before


async def test_force_push_back_to_an_older_commit_is_planned_again(world: World) -> None:
    # Given a planned commit, and a newer one that was applied,
    number, first = await world.open_planned("One")
    head = world.head(number)
    await world.push({STAGING: await world.staging("Two")})
    await world.told(number)
    await world.applied(number)
    # when the branch is pushed back to the older one,
    await back(world, head)
    # then that is planned against what is there now, in a plan of its own.
    again = await world.hear(number, kind="plan", env="staging", status="planned", head=head)
    assert again.header["plan"] != first.header["plan"]
    assert await world.told(number) == ["apply staging applied", "plan staging planned"]
    assert numbers(world) == [1, 2, 3]
    # And it can be applied.
    await world.applied(number)
    assert "One" in await world.page("staging/")
    assert numbers(world, "apply") == [2, 3]


async def test_push_back_while_the_newer_commit_is_planned_stops_that(world: World) -> None:
    # Given a planned commit, and a newer one whose plan takes long,
    await world.add_knobs()
    number, first = await world.open_planned("One")
    head = world.head(number)
    await world.push({STAGING: await world.knob("burn = 1024", "Slow")})
    await world.running("plan")
    # when the branch is pushed back meanwhile,
    await back(world, head)
    # then the newer plan is stopped, and the older commit is planned again.
    again = await world.hear(number, kind="plan", env="staging", status="planned", head=head)
    assert again.header["plan"] != first.header["plan"]
    assert await world.told(number) == ["plan staging planned"]
    assert [run["status"] for run in world.runs()] == ["succeeded", "canceled", "succeeded"]


async def test_push_back_is_seen_after_a_lost_or_late_push(world: World) -> None:
    # Given a planned commit, and a newer one of which no delivery comes,
    number, _ = await world.open_planned("One")
    head = world.head(number)
    world.github.hooks.lose_next(_OF_A_PUSH)
    await world.push({STAGING: await world.staging("Two")})
    await world.github.settled()
    # when the branch is pushed back,
    await back(world, head)
    # then the older commit is its third head, and planned again.
    assert await world.told(number) == ["plan staging planned"]
    assert numbers(world) == [1, 3]
    # And when pushes forth and back are delivered the wrong way round, then the newer commit is not planned at all.
    world.github.hooks.pause()
    await world.push({STAGING: await world.staging("Three")})
    await back(world, head)
    world.github.hooks.reverse()
    world.github.hooks.resume()
    assert await world.told(number) == ["plan staging planned"]
    assert numbers(world) == [1, 3, 5]
    assert {run["head_sha"] for run in world.runs()} == {head}


async def test_a_command_after_a_push_means_the_new_commit(world: World) -> None:
    with lagging(world, 4.0):
        # Given a pull request that GitHub's answers do not show yet,
        number = await world.open_staging_change("One")
        # when it is pushed to, and somebody asks for a plan at once,
        head = await world.push({STAGING: await world.staging("Two")})
        await world.comment(number, "/plan staging")
        # then the new commit is planned, and nobody apologises.
        await world.hear(number, kind="plan", env="staging", status="planned", head=head)
        assert await world.told(number) == ["plan staging planned"]
        # And when it is closed and opened again, neither is lost.
        await world.github.close(world.repo, number, author=DEV)
        await world.told(number)
        await world.github.reopen(world.repo, number, author=DEV)
        await world.hear(number, kind="plan", env="staging", status="planned", head=head)
        assert await world.told(number) == ["plan staging planned"]

"""Planning a revert in the tests of reverts."""

from __future__ import annotations

from tests.e2e.world import DEV, World


async def planned_revert(world: World, number: int, command: str = "/revert", *, by: str = DEV) -> str:
    """Ask for the way back; returns the plan's id."""
    await world.comment(number, command, by=by)
    plan = await world.hear(number, kind="plan", status="planned")
    await world.idle()
    return str(plan.header["plan"])

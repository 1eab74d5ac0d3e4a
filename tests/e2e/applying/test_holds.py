"""Holds: nothing is applied while somebody has stopped it, and everybody is told who and why."""

from __future__ import annotations

import asyncio

from bot.adapters.database import Database
from bot.domain.gates.freezes import Hold, HoldCause
from tests.e2e.world import ADMIN, DEV, OWNER, World
from tests.fakes.accounts import account
from tests.fakes.records.builders import NOON


async def test_hold_refuses_applies_and_says_who_set_it_and_why(world: World) -> None:
    # Given a planned pull request, and somebody who may not hold its environment,
    number, _ = await world.open_planned("Held back")
    await world.comment(number, "/hold staging I would like to", by=DEV)
    await world.refused(number, "permission")
    # when an owner holds it,
    await world.comment(number, "/hold staging the database is being moved", by=OWNER)
    said = await world.hear(number, kind="hold", env="staging", status="held")
    assert "The database is being moved." in said.body
    # then the plan's comment shows it,
    shown = await world.hear(number, kind="plan", env="staging", status="planned")
    assert "- ❌ **hold**: staging is on hold: the database is being moved (by owner" in shown.body
    # an apply is refused with who and why,
    await world.comment(number, "/apply staging")
    refused = await world.refused(number, "hold")
    assert "staging is on hold: the database is being moved (by owner, since" in refused.body
    assert "`/unhold staging`" in refused.body
    assert world.runs(kind="apply") == []
    # a second hold is not set,
    await world.comment(number, "/hold staging me too", by=ADMIN)
    await world.refused(number, "hold")
    # and once it is lifted, the same plan is applied.
    await world.comment(number, "/unhold staging", by=DEV)
    await world.refused(number, "permission")
    await world.comment(number, "/unhold staging", by=OWNER)
    await world.hear(number, kind="hold", env="staging", status="lifted")
    shown = await world.hear(number, kind="plan", env="staging", status="planned")
    assert "on hold" not in shown.body
    await world.applied(number)
    await world.comment(number, "/unhold staging", by=OWNER)
    await world.refused(number, "not_found")


async def test_a_stop_of_the_operator_holds_every_environment(world: World) -> None:
    # Given a planned pull request and a server that its operator has stopped,
    number, _ = await world.open_planned("Stopped")
    database = await asyncio.to_thread(Database, f"sqlite:///{world.database}")
    stop = Hold(
        repo=None, env=None, cause=HoldCause.STOP, reason="an upgrade", by=account("operator"), since=NOON
    )
    try:
        async with database.write() as writer:
            hold = await writer.add_hold(stop)
        # when an apply is asked for, or the hold is to be lifted from here,
        await world.comment(number, "/apply staging")
        # then both are refused.
        refused = await world.refused(number, "hold")
        assert "Everything is stopped: an upgrade (by operator" in refused.body
        await world.comment(number, "/unhold staging", by=ADMIN)
        await world.refused(number, "hold")
    finally:
        async with database.write() as writer:
            await writer.lift_hold(hold.number, by=account("operator"), at=NOON, why="over")
        await database.close()
    await world.applied(number)

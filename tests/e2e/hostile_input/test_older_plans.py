"""Plans and releases that an earlier version has stored, without what this one keeps beside them."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

from tests.e2e.hostile_input.probing import stored
from tests.e2e.revert.scene import planned_revert
from tests.e2e.world import STAGING, World, state_client


def forget_parts(world: World, plan: str) -> None:
    """Remove the list of what is stored with a plan, which earlier versions did not write."""
    [key] = [key for key in stored(world) if key.endswith(f"{plan}/parts")]
    with state_client(world.playground) as client:
        client.delete_object(Bucket=world.playground.s3.artifact_bucket, Key=key)


def forget_fetched(world: World) -> None:
    """Have the releases of a repository recorded as by a version that did not know what `init` fetched."""
    with closing(sqlite3.connect(world.database, timeout=30)) as database, database:
        database.execute("UPDATE releases SET fetched_digest = NULL WHERE repo = ?", (world.repo,))


async def test_a_plan_of_an_earlier_version_is_not_applied(world: World) -> None:
    # Given a plan that was stored by an earlier version,
    number, plan = await world.open_planned("Stored before")
    await asyncio.to_thread(forget_parts, world, str(plan.header["plan"]))
    # when it is to be applied, then it is refused, with the command for a new plan,
    await world.comment(number, "/apply staging")
    refused = await world.hear(number, kind="refusal", env="staging", reason="integrity")
    await world.told(number)
    assert "earlier version" in refused.body
    assert "/plan staging" in refused.body
    # and the new plan is applied.
    await world.comment(number, "/plan staging")
    await world.hear(number, kind="plan", env="staging", status="planned")
    await world.told(number)
    await world.applied(number)
    await world.told(number)


async def test_revert_to_release_of_earlier_version_is_planned_from_git(world: World) -> None:
    # Given two releases that were recorded by an earlier version,
    number, _ = await world.open_planned("The first")
    await world.applied(number)
    await world.told(number)
    head = await world.push({STAGING: await world.staging("The second")})
    await world.hear(number, kind="plan", env="staging", status="planned", head=head)
    await world.told(number)
    await world.applied(number)
    await world.told(number)
    await asyncio.to_thread(forget_fetched, world)
    # when staging is to go back, then the way back is planned from the reviewed commits, and applied.
    plan = await planned_revert(world, number, "/revert staging")
    await world.comment(number, f"/apply staging {plan}")
    said = await world.hear(number, kind="revert", env="staging", status="applied")
    await world.told(number)
    assert "A new plan shows no changes" in said.body or "nothing left to do" in said.body

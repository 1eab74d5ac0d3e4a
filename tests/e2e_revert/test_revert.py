"""Going back: the world is as it was, the right people apply it, and nothing rolls it forward by itself."""

from __future__ import annotations

import json
from typing import Any

from tests.e2e.world import DEV, OWNER, STAGING, World, state_client


async def released(world: World, message: str, *, branch: str) -> int:
    """Apply a change of staging and merge it; returns its pull request."""
    number, _ = await world.open_planned(message, branch=branch)
    await world.applied(number)
    await world.github.merge(world.repo, number, author=DEV)
    await world.hear(number, kind="closeout")
    await world.told(number)
    return number


async def planned_revert(world: World, number: int, command: str = "/revert", *, by: str = DEV) -> str:
    """Ask for the way back; returns the plan's id."""
    await world.comment(number, command, by=by)
    plan = await world.hear(number, kind="plan", status="planned")
    await world.idle()
    return str(plan.header["plan"])


def state(world: World, env: str = "staging") -> dict[str, Any]:
    """Return the state of an environment as Terraform has written it."""
    key = f"{env}/{world.repo.partition('/')[2]}/terraform.tfstate"
    with state_client(world.playground) as client:
        found: dict[str, Any] = json.loads(
            client.get_object(Bucket=world.playground.s3.state_bucket, Key=key)["Body"].read()
        )
    return found


def resources(found: dict[str, Any]) -> dict[str, Any]:
    """Return address -> attributes without ids."""
    listed = {}
    for resource in found["resources"]:
        for instance in resource["instances"]:
            attributes = {name: value for name, value in instance["attributes"].items() if name != "id"}
            address = f"{resource['type']}.{resource['name']}[{instance.get('index_key')}]"
            listed[address] = attributes
    return listed


async def test_a_merged_change_is_taken_back_and_the_world_is_as_before(world: World) -> None:
    # Given staging as A has left it, then changed by B, which adds something, both merged,
    await released(world, "Version A", branch="a")
    before, page = state(world), await world.page("staging/")
    number = await world.open(
        {
            STAGING: await world.staging("Version B"),
            "terraform/more.tf": (
                'resource "terraform_data" "more" {\n  input = "b"\n'
                '  provisioner "local-exec" {\n    when    = destroy\n    command = "true"\n  }\n}\n'
            ),
        },
        branch="b",
    )
    stale = await world.hear(number, kind="plan", env="staging", status="planned")
    await world.told(number)
    await world.applied(number)
    await world.github.merge(world.repo, number, author=DEV)
    await world.told(number)
    assert "Version B" in await world.page("staging/")
    # when the way back is planned on the merged pull request,
    await world.comment(number, "/revert")
    planned = await world.hear(number, kind="plan", env="staging", status="planned")
    plan = planned.header["plan"]
    # then the plan says what it takes back and what it cannot,
    assert "terraform_data.more" in planned.body
    assert "Commits undone" in planned.body
    assert "that provisioner exists only in the newer code" in planned.body
    assert f"`/apply staging {plan}`" in planned.body
    # it must be named,
    await world.comment(number, "/apply staging")
    await world.refused(number, "ambiguous_plan")
    # and once it is applied, site, outputs and resources are as they were.
    await world.comment(number, f"/apply staging {plan}")
    said = await world.hear(number, kind="revert", env="staging", status="applied")
    await world.told(number)
    after = state(world)
    assert await world.page("staging/") == page
    assert resources(after) == resources(before)
    assert after["outputs"] == before["outputs"]
    assert after["serial"] > before["serial"]
    assert "it has nothing left to do" in said.body
    assert "The outputs are those of that release" in said.body
    assert "Time to recover" in said.body
    assert "**Verified**" in said.body
    assert world.locks() == []
    # A plan of before stays what it was,
    await world.comment(number, f"/apply staging {stale.header['plan']}")
    await world.refused(number, "pull_closed")
    # and nothing rolls staging forward by itself.
    other, _ = await world.open_planned("Version C", branch="c")
    await world.comment(other, "/apply staging")
    refused = await world.refused(other, "hold")
    assert "was reverted to release" in refused.body
    await world.comment(other, "/unhold staging", by=OWNER)
    await world.told(other)
    await world.applied(other)
    await world.told(other)

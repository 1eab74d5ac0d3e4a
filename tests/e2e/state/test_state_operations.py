"""Objects taken into a state and out of it: planned, read and applied as everything else, and nothing beside them."""

from __future__ import annotations

from typing import Any, Final

from tests.e2e.world import READER, STAGING, World

MORE: Final = 'resource "terraform_data" "more" {\n  input = "kept"\n}\n'
FILE: Final = "terraform/more.tf"
ODD_ID: Final = 'more "1" $${path.root} %{ if true }'
"""What a provider may call an object, and what must not be evaluated."""


def only_staging(policy: str) -> str:
    """Return a policy under which nothing else is planned by itself."""
    before, name, after = policy.partition("  staging:\n")
    own, prod, rest = after.partition("  prod:\n")
    planned, unplanned = "autoplan: true", "autoplan: false"
    return f"{before.replace(planned, unplanned)}{name}{own}{prod}{rest.replace(planned, unplanned)}"


def more(world: World) -> dict[str, Any] | None:
    """Return the attributes of the resource that this is about, None where the state does not know it."""
    found = [each for each in world.state()["resources"] if each["name"] == "more"]
    return found[0]["instances"][0]["attributes"] if found else None


def message(world: World) -> str:
    """Return what staging says to its visitors."""
    found = next(each for each in world.state()["resources"] if each["name"] == "release")
    return str(found["instances"][0]["attributes"]["input"]["value"]["message"])


async def planned(world: World, number: int, command: str) -> str:
    """Ask for a state operation, and return its plan's id."""
    await world.comment(number, command)
    plan = await world.hear(number, kind="plan", env="staging", status="planned")
    assert "Generated for this plan only" in plan.body
    assert "Nothing else of this pull request is applied with it" in plan.body
    await world.idle()
    return str(plan.header["plan"])


async def test_object_leaves_state_and_comes_back_by_reviewed_plans_alone(world: World) -> None:
    # Given a resource that staging has, and a push that takes it out of the code and changes something else,
    await world.change_policy(only_staging)
    number = await world.open({FILE: MORE})
    await world.told(number)
    await world.applied(number)
    before = more(world)
    assert before is not None
    await world.told(number)

    # (which `/state rm` does not do while the code still has it, and says what to do)
    await world.comment(number, "/state rm staging terraform_data.more")
    refused = await world.hear(number, kind="plan", env="staging", status="failed")
    assert "still in the code of this pull request" in refused.body

    await world.push({FILE: None, STAGING: await world.staging("Changed meanwhile")})
    ordinary = await world.hear(number, kind="plan", env="staging", status="planned")
    assert "1 to destroy" in ordinary.body
    await world.told(number)
    # when it is asked to be let go of by who may not apply, and by who may,
    await world.comment(number, "/state rm staging terraform_data.more", by=READER)
    await world.refused(number, "permission")
    plan = await planned(world, number, "/state rm staging terraform_data.more")
    assert more(world) == before
    # then the plan must be named,
    await world.comment(number, "/apply staging")
    ambiguous = await world.refused(number, "ambiguous_plan")
    assert plan in ambiguous.body
    # and when it is applied, the state has let go of it, and nothing else is done.
    releases = world.releases()
    await world.comment(number, f"/apply staging {plan}")
    said = await world.hear(number, kind="apply", env="staging", status="applied")
    assert "It is no release" in said.body
    await world.told(number)
    assert more(world) is None
    assert message(world) != "Changed meanwhile"
    assert world.locks() == [("staging", number)]
    assert world.releases() == releases
    # What is left to do is planned by itself, and the check knows that it is not done.
    newest = world.watch(number).reread(ordinary)
    assert newest.header["status"] == "planned"
    assert "destroy" not in newest.body.split("\n")[1]
    assert world.conclusions(number) == ("success", "queued")

    # When the code has the resource again, and an object of a strange name is imported as it,
    await world.push({FILE: MORE})
    await world.told(number)
    plan = await planned(world, number, f"/import staging terraform_data.more '{ODD_ID}'")
    await world.comment(number, f"/apply staging {plan}")
    await world.hear(number, kind="apply", env="staging", status="applied")
    await world.told(number)
    # then the state has that very object, and the rest of the code is still to be applied.
    after = more(world)
    assert after is not None
    assert (after["id"], after["input"]["value"]) == (ODD_ID, "kept")
    assert message(world) != "Changed meanwhile"

    # What has nothing to import into is told so.
    await world.comment(number, "/import staging terraform_data.none x")
    refused = await world.hear(number, kind="plan", env="staging", status="failed")
    assert "Write its block first" in refused.body

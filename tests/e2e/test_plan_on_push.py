"""What a pull request's commits plan by themselves."""

from __future__ import annotations

from tests.e2e.world import World


async def test_a_change_of_one_var_file_plans_that_environment_only(world: World) -> None:
    # Given a pull request that changes the var file of staging,
    # When it is opened,
    number, plan = await world.open_planned("Hello, staging")
    # Then staging alone is planned, of the head, and the checks say that it waits for its apply.
    assert await world.told(number) == ["plan staging planned"]
    assert plan.header["head"] == world.head(number)
    assert [run["env"] for run in world.runs()] == ["staging"]
    assert world.conclusions(number) == ("success", "action_required")
    assert "Hello, staging" in plan.body
    assert "/apply staging" in plan.body

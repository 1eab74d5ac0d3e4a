"""A module that moves between staging and prod: prod gets nothing that staging never had."""

from __future__ import annotations

from tests.e2e.plan_inputs.conftest import MODULES
from tests.e2e.promotion.promoting import greet, row
from tests.e2e.world import World


def calls(world: World) -> str:
    """Return code that calls a module by the name of a branch."""
    return f"""
module "moving" {{
  source = "git::{world.github.url}/{MODULES}.git?ref=main"
}}

resource "terraform_data" "moving" {{
  input = module.moving.words
}}
"""


async def say(world: World, words: str) -> None:
    """Move the branch of the module."""
    text = f'output "words" {{\n  value = "{words}"\n}}\n'
    await world.github.push(MODULES, "main", {"main.tf": text}, author="admin")


async def test_a_module_that_has_moved_since_staging_is_not_promoted(world: World) -> None:
    # Given code that calls a module by the name of its branch, applied to staging and verified there,
    await say(world, "first")
    number = await world.open({"terraform/moving.tf": calls(world), **await greet(world, "Moving")})
    for env in ("staging", "prod"):
        plan = await world.hear(number, kind="plan", env=env, status="planned")
        assert "1 source that can move" in plan.body
        assert f"{MODULES}.git?ref=main" in plan.body
    await world.told(number)
    await world.applied(number)
    assert "✅" in await row(world, number, "promoted")
    # when that branch moves, and prod is planned with what is there now,
    await say(world, "second")
    await world.comment(number, "/plan prod")
    await world.hear(number, kind="plan", env="prod", status="planned")
    # then prod's gate is shut, and says why.
    shut = await row(world, number, "promoted")
    assert "❌" in shut
    assert "Modules or providers that were fetched differ from those of staging" in shut
    assert "`/plan staging`" in shut
    # When staging gets it first, then it opens again.
    await world.comment(number, "/plan staging")
    await world.hear(number, kind="plan", env="staging", status="planned")
    await world.applied(number)
    assert "✅" in await row(world, number, "promoted")


async def test_a_destroy_is_made_with_the_modules_that_were_applied(town: World) -> None:
    # Given an environment that was applied with a module of a branch, which is something else by now,
    await say(town, "first")
    number = await town.open({"terraform/moving.tf": calls(town)})
    await town.hear(number, kind="apply", env="test", status="applied")
    await town.told(number)
    await town.github.push(
        MODULES,
        "main",
        {"main.tf": 'output "other" {\n  value = "nobody has read this"\n}\n'},
        author="admin",
    )
    # when the pull request is closed,
    await town.github.close(town.repo, number, author="dev")
    # then what it had is destroyed, without the code that is there now.
    await town.ended("destroy", "succeeded")
    await town.told(number)

"""Many projects in several environments are one plan comment and one apply comment."""

from __future__ import annotations

from bot.playground.watch import Heard
from tests.e2e.world import ADMIN, World

_NAMES = tuple(f"part{number}" for number in range(1, 4))
_CODE = 'resource "terraform_data" "%s" {\n  input = "%s"\n}\n'


async def _divide(world: World) -> None:
    """Give the repository several projects, each in four environments that are planned."""
    await world.push({f"{name}/main.tf": _CODE % (name, "one") for name in _NAMES}, branch="main", by=ADMIN)
    lines = "".join(f"  - {{name: {name}, dir: {name}}}\n" for name in _NAMES)

    def several(text: str) -> str:
        text = text.replace("  - {name: default, dir: terraform}\n", lines)
        text = text.replace("/terraform.tfstate", "/{project}/terraform.tfstate")
        return text.replace("var_file", "# var_file").replace("      - {type: http", "      # - {type: http")

    await world.change_policy(several)
    await world.idle()


def _of_kind(world: World, number: int, kind: str) -> list[Heard]:
    return [heard for heard in world.watch(number).comments() if heard.header["kind"] == kind]


async def test_many_projects_are_one_comment_until_the_last_apply(world: World) -> None:
    # Given a repository of several projects,
    await _divide(world)
    since = len(world.github.requests)
    # when a pull request changes all of them,
    number = await world.open({f"{name}/main.tf": _CODE % (name, "two") for name in _NAMES})
    told = await world.told(number)
    # then one comment shows all plans, written few times,
    envs = ("ci", "test", "staging", "prod")
    stacks = [f"plan {name} {env} planned" for name in _NAMES for env in envs]
    assert sorted(told) == sorted(stacks)
    asked = [each for each in world.github.requests[since:] if f"/repos/{world.repo}/" in each.path]
    assert len(asked) <= 60
    # and one command applies those of an environment, with one comment of its own.
    command = await world.comment(number, "/apply staging")
    await world.reacted(command, "rocket")
    told = await world.told(number)
    assert {f"apply {name} staging applied" for name in _NAMES} <= set(told)
    assert len(_of_kind(world, number, "apply")) == 1
    assert len(_of_kind(world, number, "plan")) == 1
    assert {f"plan {name} staging applied" for name in _NAMES} <= set(told)

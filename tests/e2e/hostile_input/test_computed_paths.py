"""Code that reads files by paths that only Terraform can compute: what is not counted is not there."""

from __future__ import annotations

from tests.e2e.hostile_input.scene import Scene
from tests.e2e.world import ADMIN, World

_READS = """
output "read" {
  value = file("${dirname(abspath(path.root))}/shared/words.txt")
}
"""
_PROJECT = "{name: default, dir: terraform}"
_NAMED = '{name: default, dir: terraform, when_modified: ["terraform/**", "shared/words.txt"]}'


async def name_the_file(world: World) -> None:
    """Merge the line that a failed plan asks for."""
    await world.change_policy(lambda text: text.replace(_PROJECT, _NAMED))


async def open_reading(world: World) -> int:
    """Open a pull request whose code reads a file that lies on the default branch."""
    await world.push({"shared/words.txt": "First words\n"}, branch="main", by=ADMIN)
    return await world.open({"terraform/reads.tf": _READS})


async def test_a_computed_path_fails_until_the_policy_names_it(scene: Scene) -> None:
    # Given code that reads a file by a path that only Terraform knows,
    world = scene.world
    number = await open_reading(world)
    # when it is planned by itself, then the plan fails, and the comment shows the line that the policy lacks.
    failed = await world.hear(number, kind="plan", env="staging", status="failed")
    assert "`shared/words.txt`, which the repository has and the run did not get" in failed.body
    assert 'when_modified: ["terraform/**", "shared/words.txt"]' in failed.body
    assert "This has to be merged into the default branch first" in failed.body
    await world.told(number)
    # When that line was merged, then the same commit is planned,
    await name_the_file(world)
    await world.comment(number, "/plan staging")
    await world.hear(number, kind="plan", env="staging", status="planned")
    await world.told(number)


async def test_a_var_file_of_another_environment_is_not_there(scene: Scene) -> None:
    # Given code that reads the var file of prod,
    world = scene.world
    code = _READS.replace("shared/words.txt", "envs/prod.tfvars")
    number = await world.open({"terraform/reads.tf": code})
    # when staging is planned, then it fails, and is told that this is on purpose.
    failed = await world.hear(number, kind="plan", env="staging", status="failed")
    assert "`envs/prod.tfvars`, which no run gets as an input, on purpose" in failed.body
    assert "when_modified" not in failed.body
    await world.told(number)


async def test_a_push_of_the_named_file_alone_is_not_promoted(scene: Scene) -> None:
    # Given a file that the policy names and the code reads, verified in staging,
    world = scene.world
    await name_the_file(world)
    number = await open_reading(world)
    for env in ("staging", "prod"):
        await world.hear(number, kind="plan", env=env, status="planned")
    await world.told(number)
    await world.applied(number)
    await world.told(number)
    # when only that file is pushed,
    await world.push({"shared/words.txt": "Other words\n"})
    for env in ("staging", "prod"):
        await world.hear(number, kind="plan", env=env, status="planned")
    await world.told(number)
    # then prod is not promoted: staging never had these words.
    await world.comment(number, "/gates prod")
    gates = await world.hear(number, kind="gates")
    [line] = [line for line in gates.body.splitlines() if " **promoted**: " in line]
    assert "was not applied to staging" in line
    await world.told(number)


async def test_a_file_that_no_run_gets_touches_no_stack(scene: Scene) -> None:
    # Given a pull request that changes only a file that nothing names,
    world = scene.world
    number = await world.open({"shared/words.txt": "Nobody reads this\n"})
    # when it was looked at, then nothing is planned, and nothing that is planned could see it.
    await world.told(number)
    assert world.runs() == []

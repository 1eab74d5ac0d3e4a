"""A policy that is broken, missing, or changed by the very pull request that it judges."""

from __future__ import annotations

import pytest

from tests.e2e.hostile_input.scene import Scene
from tests.e2e.world import STAGING


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("trigger: local", "trigger: remote"), ("remote", "local")),
        (("autoplan: true", "autoplans: true"), ("autoplans", "autoplan")),
        (("terraform: {", "terraform: {{"), ("YAML",)),
        (("state_key: staging/", "state_key: &key prod/../staging/"), ("state_key",)),
    ],
    ids=["a wrong value", "a wrong name", "no YAML", "a state key with a way out"],
)
async def test_broken_policy_is_answered_with_path_line_and_allowed_values(
    scene: Scene, change: tuple[str, str], says: tuple[str, ...]
) -> None:
    # Given a default branch whose gatewright.yaml is not valid,
    world = scene.world
    before = await world.read("gatewright.yaml")
    line = before[: before.index(change[0])].count("\n") + 1
    await world.change_policy(lambda text: text.replace(*change, 1))
    await scene.remember()
    # When a pull request changes staging,
    number = await world.open_staging_change()
    heard = await world.refused(number, "config")
    # Then one comment names the file, the line and what is allowed, and nothing is planned.
    for words in ("gatewright.yaml:" if "YAML" in says else f"gatewright.yaml:{line}", *says):
        assert words in heard.body
    await scene.nothing_happened()
    assert world.watch(number).unread() == []
    # When somebody asks for a plan, Then they are told the same.
    await scene.refusal(number, "/plan staging", "config", "gatewright.yaml", *says)


async def test_pull_request_is_judged_by_policy_of_the_default_branch(scene: Scene) -> None:
    # Given a pull request whose own gatewright.yaml opens staging to readers and moves its state,
    world = scene.world
    text = await world.read("gatewright.yaml")
    name = world.repo.partition("/")[2]
    own = text.replace("allow: write", "allow: read", 1).replace(
        f"staging/{name}/", f"staging/{name}/elsewhere/", 1
    )
    assert own.count("elsewhere") == 1
    # When it is opened,
    number = await world.open({"gatewright.yaml": own, STAGING: await world.staging("By main's policy")})
    told = await world.hear(number, kind="policy")
    # Then it is told that the default branch's version is in force.
    assert "`main`" in told.body
    assert "is in force" in told.body
    await world.told(number)
    await scene.remember()
    # And it is: a reader may not apply, and the state is where main says.
    await scene.refusal(number, "/apply staging", "permission", by="reader")
    await world.comment(number, "/apply staging")
    await world.hear(number, kind="apply", env="staging", status="applied")
    await world.told(number)
    assert list((await scene.effects()).states) == [f"staging/{name}/terraform.tfstate"]


async def test_a_pull_request_cannot_repair_the_policy_for_itself(scene: Scene) -> None:
    # Given a broken policy on the default branch,
    world = scene.world
    right = await world.read("gatewright.yaml")
    await world.change_policy(lambda text: text.replace("version: 1", "version: 99", 1))
    await scene.remember()
    # When a pull request brings a valid one together with a change of staging,
    number = await world.open({"gatewright.yaml": right, STAGING: await world.staging("Hello")})
    # Then nothing is planned by it.
    await world.refused(number, "config")
    await scene.nothing_happened()

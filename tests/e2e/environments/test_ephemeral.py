"""An ephemeral environment is applied, verified and destroyed for each commit, however that goes."""

from __future__ import annotations

import re

from tests.e2e.world import DEV, World

CI = "envs/ci.tfvars"
_FRAGILE = """
resource "terraform_data" "fragile" {
  depends_on = [terraform_data.release]
  provisioner "local-exec" {
    command = "exit 7"
  }
}
"""


async def _ephemeral(world: World) -> None:
    await world.change_policy(
        lambda text: text.replace("\n  ci:\n", "\n  ci:\n    lifecycle: ephemeral\n", 1)
    )
    await world.idle()


async def _open(world: World, message: str, **more: str) -> int:
    text = await world.read(CI)
    changed = re.sub(r'^(message\s*=\s*)".*"$', rf'\g<1>"{message}"', text, count=1, flags=re.MULTILINE)
    return await world.open({CI: changed, **more}, branch=message.lower())


async def test_ci_is_put_up_and_taken_down_for_a_commit(world: World) -> None:
    # Given a policy under which ci is ephemeral,
    await _ephemeral(world)

    # when a pull request that touches it is opened,
    number = await _open(world, "Shortlived")

    # then ci is applied and destroyed without a word of anybody, nothing is held, and the check is green.
    await world.hear(number, kind="apply", env="ci", status="applied")
    body = (await world.hear(number, kind="destroy", env="ci", status="destroyed")).body
    assert re.search(r"\d+ resources destroyed", body)
    await world.told(number)
    await world.idle()
    check = world.check(number, "gatewright/ci-life")
    assert (check.conclusion, check.title) == ("success", "Applied, verified and destroyed")
    assert world.locks() == []
    kinds = [run["kind"] for run in world.runs() if run["env"] == "ci" and run["kind"] != "verify"]
    assert kinds == ["plan", "apply", "destroy"]
    # A plan that somebody asks for is only read.
    await world.comment(number, "/plan ci")
    await world.hear(number, kind="plan", env="ci", status="planned")
    await world.told(number)
    assert world.check(number, "gatewright/ci-life").conclusion == "success"
    assert world.locks() == []


async def test_what_was_begun_is_destroyed_after_a_failure_too(world: World) -> None:
    # Given a module whose apply fails half-way,
    await _ephemeral(world)
    number = await _open(world, "Fragile", **{"terraform/fragile.tf": _FRAGILE})

    # when it is applied, then the failure is told, what was made is destroyed, and the check is red.
    await world.hear(number, kind="apply", env="ci", status="failed")
    body = (await world.hear(number, kind="destroy", env="ci", status="destroyed")).body
    assert re.search(r"\d+ resources destroyed", body)
    await world.told(number)
    await world.idle()
    check = world.check(number, "gatewright/ci-life")
    assert (check.conclusion, check.title) == ("failure", "The apply did not succeed; destroyed")
    assert world.locks() == []
    await world.github.close(world.repo, number, author=DEV)
    await world.told(number)
    assert len(world.runs(kind="destroy")) == 1

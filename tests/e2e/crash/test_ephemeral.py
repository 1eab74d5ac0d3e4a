"""An ephemeral environment whose server dies, or that somebody stops, leaves nothing behind."""

from __future__ import annotations

import json

from bot.playground.seed import REPO
from bot.playground.stack import Playground
from tests.e2e.crash.conftest import watch
from tests.e2e.crash.dying import settled
from tests.e2e.crash.scene import until_exists
from tests.e2e.world import World, state_client

_POLICY = """
version: 1
terraform: {{engine: terraform, version: "{version}"}}
environments:
  ci: {{state_key: ci/terraform.tfstate, var_file: envs/ci.tfvars, autoplan: true, lifecycle: ephemeral}}
"""
_SLOW = """
resource "terraform_data" "slow" {
  depends_on = [terraform_data.release]
  provisioner "local-exec" {
    interpreter = ["/bin/sh", "-c"]
    command     = "touch $SITE/%s; sleep 3"
    environment = { SITE = var.site_root }
  }
}
"""


async def test_ephemeral_environment_is_destroyed_after_kill_and_after_a_cancel(own: Playground) -> None:
    # Given an ephemeral ci whose apply takes a while,
    policy = _POLICY.format(version=own.engine.version)
    await own.github.push(REPO, "main", {"gatewright.yaml": policy}, author="admin")
    world = World(playground=own, repo=REPO)
    pull = await own.github.open_pull(
        REPO, author="dev", branch="slow", files={"terraform/slow.tf": _SLOW % "first"}
    )
    seen = watch(own, pull.number)
    # when the bot is killed while it is applied,
    await until_exists(own.directory / "site" / "first")
    await own.bot.stop(kill=True)
    await own.start_bot()
    # then that is told, and what was made is destroyed.
    await seen.hear({"kind": "apply", "env": "ci", "status": "interrupted"})
    await seen.hear({"kind": "destroy", "env": "ci", "status": "destroyed"})
    await settled(own)
    assert (world.locks(), resources(own)) == ([], [])
    # When the next one is stopped by name, then it is the same.
    await own.github.push(REPO, "slow", {"terraform/slow.tf": _SLOW % "second"}, author="dev")
    await until_exists(own.directory / "site" / "second")
    run = await world.running("apply")
    await world.comment(pull.number, f"/cancel {run}")
    await seen.hear({"kind": "apply", "env": "ci", "status": "canceled"})
    await seen.hear({"kind": "destroy", "env": "ci", "status": "destroyed"})
    await settled(own)
    assert (world.locks(), resources(own)) == ([], [])
    assert [(run["kind"], run["status"]) for run in world.runs() if run["kind"] != "plan"] == [
        ("apply", "interrupted"),
        ("destroy", "succeeded"),
        ("apply", "canceled"),
        ("destroy", "succeeded"),
    ]


def resources(playground: Playground) -> list[str]:
    """Return what the state of ci has."""
    with state_client(playground) as client:
        found = client.get_object(Bucket=playground.s3.state_bucket, Key="ci/terraform.tfstate")
        return [resource["name"] for resource in json.loads(found["Body"].read())["resources"]]

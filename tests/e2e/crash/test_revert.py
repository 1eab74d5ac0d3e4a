"""kill -9 in the middle of a revert: `/status` says how things stand, and a second `/revert` finishes it."""

from __future__ import annotations

import json
import re
from typing import Any

from bot.playground.seed import REPO
from bot.playground.stack import Playground
from bot.playground.watch import Watch
from tests.e2e.crash.dying import die_in_turn, settled, start_dying
from tests.e2e.crash.scene import FILE, opened, until_exists
from tests.e2e.world import World, next_second, state_client

_SLOW = """
resource "terraform_data" "counted" {
  triggers_replace = ["%(version)s"]
  provisioner "local-exec" {
    interpreter = ["/bin/sh", "-c"]
    command     = "touch $SITE/began-%(version)s; sleep ${var.pause}; touch $SITE/ended-%(version)s"
    environment = { SITE = var.site_root }
  }
}
variable "pause" {
  type    = number
  default = %(pause)s
}
output "version" {
  value = terraform_data.counted.triggers_replace[0]
}
"""


async def test_revert_after_a_lost_server_is_explained_and_finished(
    own: Playground,
) -> None:
    # Given a staging with two releases, of which the second is to be taken back,
    world, seen = World(playground=own, repo=REPO), await opened(own, "versions")
    number = seen.number
    await applied(world, seen, await push(own, _SLOW % {"version": "a", "pause": 1}))
    before = state(own)
    await applied(world, seen, await push(own, _SLOW % {"version": "b", "pause": 0}))
    began, ended = (own.directory / "site" / f"{word}-a" for word in ("began", "ended"))
    for file in (began, ended):
        file.unlink()
    plan = await revert_planned(world, seen, "/revert")
    # when the bot is killed between the intent and Terraform's start,
    await own.bot.stop(kill=True)
    await start_dying(own, "start")
    await world.comment(number, f"/apply staging {plan}")
    await die_in_turn(own, ("start",))
    # then it says that nothing was changed, and plans the way back anew,
    said = await seen.hear({"kind": "revert", "env": "staging", "status": "interrupted"})
    assert "No change is recorded" in said.body
    await seen.hear({"kind": "plan", "env": "staging", "status": "planned"})
    await settled(own)
    # `/status` explains it,
    await world.comment(number, "/status")
    status = await seen.hear({"kind": "status"})
    assert re.search(
        r"staging\*\*: the revert to `p\w+` \(run `r\w+`, by `dev`, .* was interrupted", status.body
    )
    assert "staging** is on hold" in status.body
    # and a second `/revert` plans the same, although it names nothing.
    again = await revert_planned(world, seen, "/revert")
    assert again != plan
    # When the bot is killed while that is applied, and Terraform ends without it,
    await world.comment(number, f"/apply staging {again}")
    await until_exists(began)
    await own.bot.stop(kill=True)
    await until_exists(ended)
    await own.start_bot()
    # then it is found that everything was done, and it is told as a revert that has ended:
    await seen.hear({"kind": "revert", "env": "staging", "status": "interrupted"})
    found = await seen.hear({"kind": "plan", "env": "staging", "status": "no_changes"})
    await settled(own)
    for words in ("has done all of its work", "outputs are those of that release", "Time to recover"):
        assert words in found.body
    after = state(own)
    assert after["outputs"] == before["outputs"]
    assert versions(after) == versions(before)
    # the time to recover began with the first `/revert`,
    rows = world._ask("SELECT asked_at, finished_at FROM reverts ORDER BY sequence")
    assert len({row["asked_at"] for row in rows}) == 1
    assert [row["finished_at"] is None for row in rows].count(False) == 1
    # what had been applied does not count as applied any more,
    assert world.conclusions(number)[1] == "queued"
    # nothing is left to explain but the hold,
    await world.comment(number, "/status")
    status = await seen.hear({"kind": "status"})
    assert "interrupted" not in status.body
    assert "staging** is on hold" in status.body
    # and another `/revert` has nowhere to go.
    await world.comment(number, "/revert")
    await seen.hear({"kind": "refusal", "reason": "nothing_to_revert"})
    await settled(own)


async def push(playground: Playground, text: str) -> str:
    return await playground.github.push(REPO, "versions", {FILE: text}, author="dev")


async def applied(world: World, seen: Watch, head: str) -> None:
    await seen.hear({"kind": "plan", "env": "staging", "status": "planned", "head": head})
    await world.idle()
    await world.comment(seen.number, "/apply staging")
    await seen.hear({"kind": "apply", "env": "staging", "status": "applied"})
    await world.idle()


async def revert_planned(world: World, seen: Watch, command: str) -> str:
    await world.comment(seen.number, command)
    plan = await seen.hear({"kind": "plan", "env": "staging", "status": "planned"})
    await world.idle()
    await next_second()
    return str(plan.header["plan"])


def state(playground: Playground) -> dict[str, Any]:
    with state_client(playground) as client:
        found = client.get_object(Bucket=playground.s3.state_bucket, Key="staging/terraform.tfstate")
        state: dict[str, Any] = json.loads(found["Body"].read())
    return state


def versions(found: dict[str, Any]) -> dict[str, Any]:
    """Return what every resource has but for ids."""
    listed = {}
    for resource in found["resources"]:
        for instance in resource["instances"]:
            attributes = {name: value for name, value in instance["attributes"].items() if name != "id"}
            listed[f"{resource['type']}.{resource['name']}[{instance.get('index_key')}]"] = attributes
    return listed

"""Going back: the world is as it was, the right people apply it, and nothing rolls it forward by itself."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.e2e.world import DEV, OWNER, STAGING, World, next_second, state_client


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
    # when the way back is planned on the merged pull request,
    await world.comment(number, "/revert")
    planned = await world.hear(number, kind="plan", env="staging", status="planned")
    plan = planned.header["plan"]
    # then the plan says what it takes back and what it cannot,
    assert "terraform_data.more" in planned.body
    assert "Commits undone" in planned.body
    assert "that provisioner exists only in the newer code" in planned.body
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
    for words in (
        "it has nothing left to do",
        "outputs are those of that release",
        "Time to recover",
        "**Verified**",
    ):
        assert words in said.body
    assert world.locks() == []
    # A pull request takes it out of the base, and may pass the hold;
    [opened] = [
        pull
        for pull in world.github.repo(world.repo).pulls.values()
        if pull.head_ref.startswith("gatewright/")
    ]
    assert f"pull request #{opened.number}" in said.body
    assert (opened.state, opened.base_ref) == ("open", "main")
    await world.hear(opened.number, kind="plan", env="staging", status="no_changes")
    await world.told(opened.number)
    # A plan of before stays what it was,
    await world.comment(number, f"/apply staging {stale.header['plan']}")
    await world.refused(number, "pull_closed")
    # and nothing rolls staging forward by itself.
    other, _ = await world.open_planned("Version C", branch="c")
    await world.comment(other, "/apply staging")
    refused = await world.refused(other, "hold")
    assert "was reverted to release" in refused.body
    # until that pull request is merged.
    await world.github.merge(world.repo, opened.number, author=DEV)
    await world.told(opened.number)
    assert "Version A" in await world.read(STAGING)
    assert await world.read("terraform/more.tf") == ""
    await world.told(other)
    last, _ = await world.open_planned("Version D", branch="d")
    await world.applied(last)
    await world.told(last)
    assert "Version D" in await world.page("staging/")


async def test_what_stands_in_the_way_of_a_revert_is_said(world: World) -> None:
    # Given an environment that nothing was applied to,
    number, _ = await world.open_planned("Version A", branch="a")
    await world.comment(number, "/revert")
    await world.refused(number, "nothing_to_revert")
    await world.comment(number, "/revert staging")
    await world.refused(number, "nothing_to_revert")
    # and then two releases, the second of a pull request that holds it,
    await world.applied(number)
    await world.github.merge(world.repo, number, author=DEV)
    await world.told(number)
    second, _ = await world.open_planned("Version B", branch="b")
    await world.applied(second)
    await world.told(second)
    await world.told(number)
    # when somebody goes back from elsewhere, then they are told who holds it.
    await world.comment(number, "/revert staging")
    assert f"held by pull request {second}" in (await world.refused(number, "locked")).body
    await world.comment(second, "/revert staging to p2345678")
    await world.refused(second, "not_found")
    # When a revert is planned, then nothing is planned there by itself, and dropping it lets it go on.
    plan = await planned_revert(world, second)
    await world.push({STAGING: await world.staging("Version C", "b")}, branch="b")
    told = await world.told(second)
    assert "plan staging planned" in told
    assert [run["kind"] for run in world.runs() if run["env"] == "staging"][-1] == "plan"
    made = len([run for run in world.runs(kind="plan") if run["env"] == "staging"])
    await world.comment(second, f"/cancel {plan}")
    await world.told(second)
    assert len([run for run in world.runs(kind="plan") if run["env"] == "staging"]) >= made
    # When the state was changed by somebody else, or the source is gone, then it is refused.
    changed = state(world)
    put(world, {**changed, "serial": changed["serial"] + 5})
    await world.comment(second, "/revert staging")
    assert "outside Gatewright" in (await world.refused(second, "state_moved")).body
    put(world, changed)
    drop_sources(world)
    await world.comment(second, "/revert staging")
    await world.refused(second, "source_missing")
    await world.told(second)


async def test_prod_is_reverted_by_an_owner_or_who_is_on_call(world: World) -> None:
    # Given prod without a smoke before it, reverted to by a plan,
    every = "gates: [codeowners, undiverged, checks, promoted, risk, drift]"
    await world.change_policy(lambda text: text.replace(every, "gates: [codeowners]"))
    first = await prod_change(world, "One", branch="one")
    await world.github.merge(world.repo, first, author=DEV)
    await world.told(first)
    second = await prod_change(world, "Two", branch="two")
    await world.comment(second, "/revert prod")
    plan = await world.hear(second, kind="plan", env="prod", status="planned")
    # when the author applies it, who owns nothing, then it is refused;
    await world.comment(second, f"/apply prod {plan.header['plan']}")
    assert "one of its code owners" in (await world.refused(second, "codeowners")).body
    # when an owner does, nobody else has to be waited for.
    await world.comment(second, f"/apply prod {plan.header['plan']}", by=OWNER)
    await world.hear(second, kind="revert", env="prod", status="applied")
    assert "One" in await world.page("prod/")
    await world.told(second)


async def prod_change(world: World, message: str, *, branch: str) -> int:
    """Apply a change of prod, approved by its owner."""
    text = await world.read("envs/prod.tfvars")
    changed = re.sub(r'^(message\s*=\s*)".*"$', rf'\g<1>"{message}"', text, count=1, flags=re.MULTILINE)
    number = await world.open({"envs/prod.tfvars": changed}, branch=branch)
    await world.hear(number, kind="plan", env="prod", status="planned")
    await world.told(number)
    await next_second()
    await world.github.review(world.repo, number, author=OWNER, state="approved")
    await world.told(number)
    await world.applied(number, "/apply prod", env="prod")
    await world.told(number)
    return number


def put(world: World, found: dict[str, Any]) -> None:
    """Write a state as somebody outside would."""
    key = f"staging/{world.repo.partition('/')[2]}/terraform.tfstate"
    with state_client(world.playground) as client:
        client.put_object(Bucket=world.playground.s3.state_bucket, Key=key, Body=json.dumps(found).encode())


def drop_sources(world: World) -> None:
    """Lose the source bundles of this repository's releases."""
    bucket = world.playground.s3.artifact_bucket
    with state_client(world.playground) as client:
        for row in world._ask("SELECT source_key FROM releases WHERE repo = ?", world.repo):
            client.delete_object(Bucket=bucket, Key=row["source_key"])

"""Going back: the world is as it was, the right people apply it, and nothing rolls it forward by itself."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from typing import Any

from tests.e2e.revert.scene import planned_revert
from tests.e2e.world import DEV, OWNER, STAGING, World, next_second, state_client


async def released(world: World, message: str, *, branch: str) -> int:
    """Apply a change of staging and merge it; returns its pull request."""
    number, _ = await world.open_planned(message, branch=branch)
    await applied_and_merged(world, number)
    return number


async def applied_and_merged(world: World, number: int) -> None:
    """Apply what a pull request has planned for staging, and merge it."""
    await world.applied(number)
    await world.github.merge(world.repo, number, author=DEV)
    await world.hear(number, kind="closeout")
    await world.told(number)


def resources(found: dict[str, Any]) -> dict[str, Any]:
    """Return address -> attributes without ids."""
    listed = {}
    for resource in found["resources"]:
        for instance in resource["instances"]:
            attributes = {name: value for name, value in instance["attributes"].items() if name != "id"}
            address = f"{resource['type']}.{resource['name']}[{instance.get('index_key')}]"
            listed[address] = attributes
    return listed


async def test_merged_change_is_taken_back_and_world_is_as_before(world: World) -> None:
    # Given staging as A has left it, then changed by B, which adds something, both merged,
    await released(world, "Version A", branch="a")
    before, page = world.state(), await world.page("staging/")
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
    await world.hear(number, kind="plan", env="staging", status="planned")
    await world.told(number)
    await applied_and_merged(world, number)
    # and a plan of another pull request that is still open,
    other, stale = await world.open_planned("Version C", branch="c")
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
    after = world.state()
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
    # When it took what is on record as the time to recover,
    [taken] = world._ask("SELECT asked_at, finished_at, found FROM reverts WHERE repo = ?", world.repo)
    assert taken["asked_at"] < taken["finished_at"]
    assert json.loads(taken["found"]) == {"replan": "empty", "outputs": []}
    # then a plan of before it stays stale, nobody waits for a lock any more,
    await world.comment(other, f"/apply staging {stale.header['plan']}")
    refused = await world.refused(other, "plan_stale")
    assert set(refused.header["reasons"]) == {"plan_stale", "state_moved", "hold"}
    assert "lock staging free" in await world.told(other)
    # and nothing rolls staging forward by itself,
    await world.comment(other, "/apply staging")
    refused = await world.refused(other, "hold")
    assert "was reverted to release" in refused.body
    # until that pull request is merged.
    await world.github.merge(world.repo, opened.number, author=DEV)
    await world.told(opened.number)
    assert "Version A" in await world.read(STAGING)
    assert await world.read("terraform/more.tf") == ""
    last, _ = await world.open_planned("Version D", branch="d")
    await world.applied(last)
    for each in (last, other, opened.number):
        await world.told(each)
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
    made = [run["id"] for run in world.runs(kind="plan")]
    head = await world.push({STAGING: await world.staging("Version C", "b")}, branch="b")
    await world.told(second)
    assert [run["env"] for run in world.runs(kind="plan")[len(made) :]] == []
    assert world.conclusions(second) == ("queued", "queued")
    await world.comment(second, f"/cancel {plan}")
    await world.hear(second, kind="lock", env="staging", status="free")
    await world.hear(second, kind="plan", env="staging", status="planned", head=head)
    await world.told(second)
    assert [run["env"] for run in world.runs(kind="plan")[len(made) :]] == ["staging"]
    assert world.conclusions(second) == ("success", "queued")
    # When a Terraform works there, or the state was changed by somebody else, or the source is gone, then it is refused.
    changed = world.state()
    with held(world, by="a-laptop"):
        await world.comment(second, "/revert staging")
        assert "a-laptop" in (await world.refused(second, "locked")).body
    put(world, {**changed, "serial": changed["serial"] + 5})
    await world.comment(second, "/revert staging")
    assert "outside Gatewright" in (await world.refused(second, "state_moved")).body
    put(world, changed)
    spoil_sources(world, b"not what was recorded")
    await world.comment(second, "/revert staging")
    await world.refused(second, "integrity")
    spoil_sources(world, None)
    await world.comment(second, "/revert staging")
    await world.refused(second, "source_missing")
    # When the policy names another Terraform than the release was made with, then it is refused as well.
    version = world.playground.engine.version
    await world.change_policy(lambda text: text.replace(version, "1.99.0"))
    await world.comment(second, "/revert staging")
    assert f"made with terraform {version}" in (await world.refused(second, "engine_changed")).body
    await world.told(second)


async def test_prod_is_reverted_by_owner_or_who_is_on_call(world: World) -> None:
    # Given prod without a smoke before it, with two releases,
    every = "from: staging\n      gates: [codeowners, undiverged, checks, promoted, risk, drift]"
    team = "night-shift"
    await world.change_policy(
        lambda text: text.replace(every, "gates: [codeowners]") + f'oncall: "@acme/{team}"\n'
    )
    await world.github.add_team("acme", team, [])
    first = await prod_change(world, "One", branch="one")
    await world.github.merge(world.repo, first, author=DEV)
    await world.told(first)
    second = await prod_change(world, "Two", branch="two")
    forward = world.runs(kind="apply")[-1]["plan_id"]
    await world.comment(second, "/revert prod")
    plan = await world.hear(second, kind="plan", env="prod", status="planned")
    # when the author applies the way back, who owns nothing, then it is refused;
    await world.comment(second, f"/apply prod {plan.header['plan']}")
    assert "one of its code owners" in (await world.refused(second, "codeowners")).body
    # when an owner does, nobody else has to be waited for, and what was pushed meanwhile is planned then.
    head = await world.push({"envs/prod.tfvars": await prod(world, "Three")}, branch="two")
    await world.comment(second, f"/apply prod {plan.header['plan']}", by=OWNER)
    await world.hear(second, kind="revert", env="prod", status="applied")
    assert "One" in await world.page("prod/")
    await world.hear(second, kind="lock", env="prod", status="free")
    await world.hear(second, kind="plan", env="prod", status="planned", head=head)
    await world.told(second)
    # When the author is on call, then they can go to any release by its name, the hold notwithstanding.
    await world.github.add_team("acme", team, [DEV])
    world.github.set_team_permission(world.repo, team, "write")
    await world.comment(second, f"/revert prod to {forward}")
    plan = await world.hear(second, kind="plan", env="prod", status="planned")
    await world.comment(second, f"/apply prod {plan.header['plan']}")
    said = await world.hear(second, kind="revert", env="prod", status="applied")
    assert "hold: prod is on hold" in said.body
    assert "Two" in await world.page("prod/")
    await world.told(second)


async def prod_change(world: World, message: str, *, branch: str) -> int:
    """Apply a change of prod, approved by its owner."""
    number = await world.open({"envs/prod.tfvars": await prod(world, message)}, branch=branch)
    await world.hear(number, kind="plan", env="prod", status="planned")
    await world.told(number)
    await next_second()
    await world.github.review(world.repo, number, author=OWNER, state="approved")
    await world.told(number)
    await world.applied(number, "/apply prod", env="prod")
    await world.told(number)
    return number


async def prod(world: World, message: str) -> str:
    text = await world.read("envs/prod.tfvars")
    return re.sub(r'^(message\s*=\s*)".*"$', rf'\g<1>"{message}"', text, count=1, flags=re.MULTILINE)


def put(world: World, found: dict[str, Any]) -> None:
    """Write a state as somebody outside would."""
    key = f"staging/{world.repo.partition('/')[2]}/terraform.tfstate"
    with state_client(world.playground) as client:
        client.put_object(Bucket=world.playground.s3.state_bucket, Key=key, Body=json.dumps(found).encode())


@contextlib.contextmanager
def held(world: World, *, by: str) -> Iterator[None]:
    """Hold Terraform's own lock of staging, as somebody with a Terraform of their own does."""
    key = f"staging/{world.repo.partition('/')[2]}/terraform.tfstate.tflock"
    info = {"ID": "11111111-2222-3333-4444-555555555555", "Operation": "apply", "Who": by}
    with state_client(world.playground) as client:
        where = {"Bucket": world.playground.s3.state_bucket, "Key": key}
        client.put_object(**where, Body=json.dumps(info).encode())
        yield
        client.delete_object(**where)


def spoil_sources(world: World, content: bytes | None) -> None:
    """Overwrite the source bundles of this repository's releases, or lose them."""
    with state_client(world.playground) as client:
        for row in world._ask("SELECT DISTINCT source_key FROM releases WHERE repo = ?", world.repo):
            where = {"Bucket": world.playground.s3.artifact_bucket, "Key": row["source_key"]}
            if content is None:
                client.delete_object(**where)
            else:
                client.put_object(**where, Body=content)

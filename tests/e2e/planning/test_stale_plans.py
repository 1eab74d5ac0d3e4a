"""What has changed since a plan was read closes the way to its apply, and says what changed."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from tests.e2e.world import ADMIN, OUTSIDER, READER, STAGING, World, next_second, state_client


async def test_environment_that_was_never_planned_has_no_plan_to_apply(world: World) -> None:
    # Given a pull request that touches no stack,
    number = await world.open({"README.md": "# Nothing for Terraform\n"})
    # when an apply is asked for,
    await world.comment(number, "/apply staging")
    # then the answer names the command that plans first.
    said = await world.refused(number, "no_plan")
    assert "/plan staging" in said.body


async def test_a_plan_of_another_pull_request_is_not_known_here(world: World) -> None:
    # Given two planned pull requests,
    first, plan = await world.open_planned("One", branch="one")
    second, _ = await world.open_planned("Two", branch="two")
    # when the second names the plan of the first,
    await world.comment(second, f"/apply staging {plan.header['plan']}")
    # then there is no such plan, and nothing runs.
    await world.refused(second, "no_plan")
    assert world.runs(kind="apply") == []
    assert await world.told(first) == ["plan staging planned"]


async def test_the_plan_of_an_older_commit_is_refused_by_name(world: World) -> None:
    # Given a pull request that was planned, and planned again after a push,
    number, old = await world.open_planned("Old")
    head = await world.push({STAGING: await world.staging("New")})
    await world.hear(number, kind="plan", env="staging", status="planned", head=head)
    # when the first plan is named,
    await world.comment(number, f"/apply staging {old.header['plan']}")
    # then it is refused for both reasons, and nothing is applied.
    said = await world.refused(number, "head_moved")
    assert set(said.header["reasons"]) == {"head_moved", "plan_stale"}
    assert world.runs(kind="apply") == []
    assert "Old" not in await world.page("staging/")


async def test_a_push_whose_delivery_was_lost_still_closes_the_way(world: World) -> None:
    # Given a planned pull request that moved on without the bot being told,
    number, _ = await world.open_planned("Seen")
    world.github.hooks.pause()
    await world.push({STAGING: await world.staging("Unseen")})
    world.github.hooks.lose_next(len(world.github.hooks.pending))
    world.github.hooks.resume()
    await world.github.settled()
    # when the apply is asked for,
    await world.comment(number, "/apply staging")
    # then the bot has read the head itself.
    await world.refused(number, "head_moved")
    assert world.runs(kind="apply") == []


async def test_an_older_plan_of_the_same_commit_is_stale(world: World) -> None:
    # Given a pull request that was planned twice,
    number, old = await world.open_planned()
    await world.comment(number, "/plan staging")
    await world.hear(number, kind="plan", env="staging", status="planned")
    # when the first plan is named,
    await world.comment(number, f"/apply staging {old.header['plan']}")
    # then the refusal says which plan took its place.
    said = await world.refused(number, "plan_stale")
    assert "replaced by" in said.body


async def test_a_command_written_before_the_plan_does_not_mean_it(world: World) -> None:
    # Given an apply command that was written before the newest plan, and delivered after it,
    number, _ = await world.open_planned()
    world.github.hooks.lose_next(1)
    early = await world.comment(number, "/apply staging")
    await world.github.settled()
    lost = world.github.deliveries[-1]
    await world.comment(number, "/plan staging")
    newest = await world.hear(number, kind="plan", env="staging", status="planned")
    await world.idle()
    # when it is delivered,
    world.github.redeliver(lost)
    # then it is refused, and the answer names the plan to read.
    said = await world.refused(number, "plan_newer_than_command")
    assert f"/apply staging {newest.header['plan']}" in said.body
    await world.reacted(early, "confused")
    assert world.runs(kind="apply") == []


async def test_apply_while_new_plan_is_made_is_asked_to_wait(world: World) -> None:
    # Given a pull request whose newest plan takes long,
    await world.add_knobs()
    number, _ = await world.open_planned()
    await world.push({STAGING: await world.knob("burn = 300")})
    await world.running("plan")
    # when the apply is asked for meanwhile,
    await world.comment(number, "/apply staging")
    # then it is refused, and the plan goes on.
    await world.refused(number, "not_yet")
    assert await world.told(number) == ["refusal staging refused not_yet", "plan staging planned"]


async def test_a_state_that_was_changed_elsewhere_closes_the_way(world: World) -> None:
    # Given a plan made for a state,
    first, _ = await world.open_planned("First", branch="first")
    await world.applied(first)
    second = await world.open({STAGING: await world.staging("Second")}, branch="second")
    await world.hear(second, kind="plan", env="staging", status="planned")
    # when that state is changed without the bot,
    await asyncio.to_thread(_raise_serial, world)
    await world.comment(first, "/unlock staging")
    await world.hear(first, kind="unlock")
    await world.comment(second, "/apply staging")
    # then the plan is refused, and a new one for the new state can be applied.
    await world.refused(second, "state_moved")
    assert world.locks() == []
    await world.comment(second, "/plan staging")
    await world.hear(second, kind="plan", env="staging", status="planned")
    await world.applied(second)
    assert "Second" in await world.page("staging/")


def _raise_serial(world: World) -> None:
    bucket = world.playground.s3.state_bucket
    key = f"staging/{world.repo.removeprefix('acme/')}/terraform.tfstate"
    with state_client(world.playground) as client:
        state = json.loads(client.get_object(Bucket=bucket, Key=key)["Body"].read())
        state["serial"] += 1
        client.put_object(Bucket=bucket, Key=key, Body=json.dumps(state).encode())


async def test_a_policy_with_another_terraform_version_closes_the_way(world: World) -> None:
    # Given a planned pull request,
    number, _ = await world.open_planned()
    # when the policy on main asks for another version,
    await world.change_policy(lambda text: re.sub(r'version: "[0-9.]+"', 'version: "1.99.0"', text))
    await world.comment(number, "/apply staging")
    # then the plan is refused, because it was made with the old one.
    said = await world.refused(number, "config")
    assert said.header["reasons"] == ["config", "engine_changed"]
    assert "1.99.0" in said.body
    assert world.runs(kind="apply") == []


async def test_a_plan_expires(world: World) -> None:
    # Given a policy whose plans live for a second,
    await world.change_policy(lambda text: f"{text}\nplan_expires: 1s\n")
    number, _ = await world.open_planned()
    # when the apply is asked for after that,
    await next_second()
    await world.comment(number, "/apply staging")
    # then the plan is refused as expired.
    await world.refused(number, "plan_expired")


@pytest.mark.parametrize("person", [READER, OUTSIDER])
async def test_an_apply_by_somebody_without_the_right_is_refused(world: World, person: str) -> None:
    # Given a planned pull request,
    number, _ = await world.open_planned("Not theirs to apply")
    # when somebody without write access asks for the apply,
    command = await world.comment(number, "/apply staging", by=person)
    # then it is refused and nothing runs.
    await world.refused(number, "permission")
    await world.reacted(command, "confused")
    assert world.runs(kind="apply") == []
    assert "Not theirs" not in await world.page("staging/")


async def test_a_right_that_was_withdrawn_counts_no_more(world: World) -> None:
    # Given a developer who could have applied,
    number, _ = await world.open_planned()
    world.github.set_permission(world.repo, "dev", "read")
    # when the right is gone,
    await world.comment(number, "/apply staging")
    # then it is refused.
    await world.refused(number, "permission")
    assert world.runs(kind="apply") == []


async def test_nothing_runs_for_a_fork(world: World) -> None:
    # Given a pull request from an outsider's fork,
    text = await world.staging("From a fork")
    pull = await world.github.open_pull(
        world.repo, author=OUTSIDER, branch="theirs", files={STAGING: text}, fork=OUTSIDER
    )
    await world.refused(pull.number, "fork")
    # when even an administrator asks for a plan,
    await world.comment(pull.number, "/plan staging", by=ADMIN)
    # then it is refused, and no run was ever made.
    await world.refused(pull.number, "fork")
    assert world.runs() == []

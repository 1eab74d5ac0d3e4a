"""`/cancel`: plans at once, an apply only by name, and nothing is left locked or running."""

from __future__ import annotations

import pytest

from tests.e2e.world import READER, STAGING, World, state_locks, terraform_processes

pytestmark = pytest.mark.slow


async def test_a_running_plan_is_canceled(world: World) -> None:
    # Given a plan that takes long,
    await world.add_knobs()
    number = await world.open({STAGING: await world.knob("burn = 1024")})
    await world.running("plan")
    # when it is canceled,
    command = await world.comment(number, "/cancel")
    said = await world.hear(number, kind="cancel")
    # then its Terraform is gone, the comment says so, and the check is red.
    (run,) = world.runs()
    assert run["id"] in said.body
    await world.hear(number, kind="plan", env="staging", status="canceled")
    await world.idle()
    assert [run["status"] for run in world.runs()] == ["canceled"]
    assert terraform_processes(world.playground) == []
    assert world.conclusions(number)[0] == "failure"
    assert world.reactions(command) == ["eyes", "rocket"]


async def test_a_running_apply_is_canceled_by_its_run_only(world: World) -> None:
    # Given an apply that takes long,
    await world.add_knobs()
    number = await world.open({STAGING: await world.knob("pause = 120")})
    await world.hear(number, kind="plan", env="staging", status="planned")
    apply = await world.comment(number, "/apply staging")
    applying = await world.hear(number, kind="plan", env="staging", status="applying")
    run = await world.running("apply")
    assert f"/cancel {run}" in applying.body
    # when somebody cancels without naming it, or without the right,
    await world.comment(number, "/cancel")
    await world.refused(number, "not_found")
    await world.comment(number, f"/cancel {run}", by=READER)
    await world.refused(number, "permission")
    # or asks for another apply or an unlock, then the apply goes on;
    await world.comment(number, "/apply staging")
    await world.refused(number, "already_running")
    await world.comment(number, "/unlock staging")
    await world.refused(number, "already_running")
    assert world.runs(kind="apply")[0]["status"] == "running"
    # and the check says so, without a button, and leads to the run;
    check = world.check(number, "gatewright/apply")
    assert (check.status, check.title, check.actions) == ("in_progress", "Applying staging", [])
    assert check.details_url == f"{world.playground.bot.url}/runs/{run}"
    # but when its run is named, then Terraform ends in order and the rest is planned by itself.
    await world.comment(number, f"/cancel {run}")
    await world.hear(number, kind="cancel")
    said = await world.hear(number, kind="apply", env="staging", status="canceled")
    assert said.header["run"] == run
    told = await world.told(number)
    assert told[0] == "plan staging planned"
    assert world.conclusions(number) == ("success", "queued")
    assert world.reactions(apply) == ["eyes", "confused"]
    assert state_locks(world.playground) == []
    assert terraform_processes(world.playground) == []
    assert world.locks() == [("staging", number)]
    # And the next apply works on the state that was saved.
    await world.push({STAGING: await world.staging("After the cancel")})
    await world.hear(number, kind="plan", env="staging", status="planned", head=world.head(number))
    await world.applied(number)
    assert "After the cancel" in await world.page("staging/")


async def test_a_push_does_not_stop_an_apply(world: World) -> None:
    # Given an apply that takes some seconds,
    await world.add_knobs()
    number = await world.open({STAGING: await world.knob("pause = 4")})
    await world.hear(number, kind="plan", env="staging", status="planned")
    await world.comment(number, "/apply staging")
    await world.running("apply")
    # when a commit is pushed meanwhile,
    head = await world.push({STAGING: await world.staging("Pushed meanwhile")})
    # then the apply ends as it would have, and the new commit is planned on its result.
    await world.hear(number, kind="apply", env="staging", status="applied")
    plan = await world.hear(number, kind="plan", env="staging", status="planned", head=head)
    assert "terraform_data.pause" in plan.body
    assert await world.told(number) == ["apply staging applied", "plan staging planned"]


async def test_a_dropped_plan_cannot_be_applied(world: World) -> None:
    # Given a planned pull request,
    number, plan = await world.open_planned()
    # when its plan is canceled by id,
    await world.comment(number, f"/cancel {plan.header['plan']}")
    await world.hear(number, kind="cancel")
    # then the comment shows that, and an apply is refused.
    await world.comment(number, "/apply staging")
    await world.refused(number, "plan_stale")
    assert "plan staging canceled" in await world.told(number)
    assert world.runs(kind="apply") == []

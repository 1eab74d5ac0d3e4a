"""`/apply`: exactly the reviewed plan, once, and visible everywhere."""

from __future__ import annotations

from tests.e2e.world import STAGING, World


async def test_apply_changes_page_the_checks_the_deployment_and_the_comments(world: World) -> None:
    # Given a planned pull request,
    number, plan = await world.open_planned("Applied from a comment")
    # when a developer asks for the apply,
    command = await world.comment(number, "/apply staging")
    said = await world.hear(number, kind="apply", env="staging", status="applied")
    # then the environment shows it, and every place on GitHub says so.
    assert "Applied from a comment" in await world.page("staging/")
    assert await world.told(number) == ["plan staging applied", "apply staging applied"]
    assert said.header["plan"] == plan.header["plan"]
    assert said.header["head"] == world.head(number)
    assert f"{world.playground.sites.url}/staging/" in said.body
    assert world.reactions(command) == ["eyes", "rocket"]
    assert world.conclusions(number) == ("success", "success")
    (deployment,) = world.github.deployments(world.repo)
    assert (deployment.environment, deployment.sha) == ("staging", world.head(number))
    assert [status.state for status in deployment.statuses] == ["in_progress", "success"]
    assert world.locks() == [("staging", number)]


async def test_apply_of_a_named_plan_applies_that_plan(world: World) -> None:
    # Given a planned pull request,
    number, plan = await world.open_planned("By name")
    # when the plan is named,
    said = await world.applied(number, f"/apply staging {plan.header['plan']}")
    # then that plan is applied.
    assert said.header["plan"] == plan.header["plan"]
    assert "By name" in await world.page("staging/")


async def test_secrets_stay_out_of_the_comments(world: World) -> None:
    # Given a pull request that is applied, in an environment with a sensitive output,
    number, plan = await world.open_planned()
    said = await world.applied(number)
    # when its comments are read,
    # then the sensitive value is in none of them, though the output's encrypted copy is announced.
    assert "no-token-was-given" not in plan.body + said.body
    assert "kubeconfig" in said.body


async def test_a_second_apply_of_the_same_plan_is_refused(world: World) -> None:
    # Given an applied pull request,
    number, _ = await world.open_planned()
    await world.applied(number)
    # when the apply is asked for again,
    command = await world.comment(number, "/apply staging")
    # then it is refused and nothing runs a second time.
    said = await world.refused(number, "already_applied")
    assert "was applied by dev on" in said.body
    assert "`/plan staging`" in said.body
    await world.reacted(command, "confused")
    assert len(world.runs(kind="apply")) == 1


async def test_a_plan_without_changes_has_nothing_to_apply(world: World) -> None:
    # Given an applied pull request that is planned again,
    number, _ = await world.open_planned()
    await world.applied(number)
    await world.comment(number, "/plan staging")
    await world.hear(number, kind="plan", env="staging", status="no_changes")
    await world.idle()
    assert world.conclusions(number) == ("success", "success")
    # when the apply is asked for,
    await world.comment(number, "/apply staging")
    # then the answer is that there is nothing to do.
    await world.refused(number, "no_changes")
    assert len(world.runs(kind="apply")) == 1


async def test_apply_that_fails_half_way_is_told_and_planned_again(world: World) -> None:
    # Given a plan in which one resource will fail after others were changed,
    await world.add_knobs()
    number = await world.open({STAGING: await world.knob("breaks = true")})
    first = await world.hear(number, kind="plan", env="staging", status="planned")
    # when it is applied,
    command = await world.comment(number, "/apply staging")
    said = await world.hear(number, kind="apply", env="staging", status="failed")
    # then the failure is told with Terraform's words, and what is left to do is planned by itself.
    assert "the disk is on fire" in said.body
    assert await world.told(number) == ["plan staging planned", "apply staging failed"]
    second = world.watch(number).comments()[0]
    assert second.header["plan"] != first.header["plan"]
    assert "terraform_data.release" not in second.body
    assert "terraform_data.breaks" in second.body
    assert world.reactions(command) == ["eyes", "confused"]
    assert [status.state for status in world.github.deployments(world.repo)[0].statuses] == [
        "in_progress",
        "failure",
    ]
    assert world.locks() == [("staging", number)]
    # And when the cause is removed, the next apply completes it.
    await world.push({STAGING: await world.staging("Repaired")})
    await world.hear(number, kind="plan", env="staging", status="planned", head=world.head(number))
    await world.applied(number)
    assert "Repaired" in await world.page("staging/")


async def test_prod_stays_shut_while_its_gates_are(world: World) -> None:
    # Given a plan of prod, for which the policy asks for gates,
    text = (await world.read("envs/prod.tfvars")).replace("Welcome", "Straight to prod")
    number = await world.open({"envs/prod.tfvars": text})
    plan = await world.hear(number, kind="plan", env="prod", status="planned")
    # which its comment shows,
    assert "- ⏳ **codeowners**: " in plan.body
    # when a developer asks for the apply,
    command = await world.comment(number, "/apply prod")
    # then it is refused by gate, nothing runs, and nobody holds prod.
    refusal = await world.hear(number, kind="refusal", env="prod", reason="codeowners")
    assert refusal.header["reasons"] == ["codeowners", "promoted"]
    assert "was not applied to staging" in refusal.body
    await world.reacted(command, "confused")
    assert world.runs(kind="apply") == []
    assert world.locks() == []
    assert "Straight to prod" not in await world.page("prod/")

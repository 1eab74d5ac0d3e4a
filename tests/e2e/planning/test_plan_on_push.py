"""What the commits of a pull request plan by themselves."""

from __future__ import annotations

import re
from urllib.parse import quote

from tests.e2e.world import ADMIN, DEV, STAGING, World


async def test_a_change_of_one_var_file_plans_that_environment_only(world: World) -> None:
    # Given a pull request that changes the var file of staging,
    # when it is opened,
    number, plan = await world.open_planned("Hello, staging")
    # then staging alone is planned, of the head, and the checks say that it waits for its apply.
    assert await world.told(number) == ["plan staging planned"]
    assert plan.header["head"] == world.head(number)
    assert [run["env"] for run in world.runs()] == ["staging"]
    assert world.conclusions(number) == ("success", "queued")
    assert "Hello, staging" in plan.body
    assert "/apply staging" in plan.body


async def test_a_change_of_the_module_plans_every_environment_with_autoplan(world: World) -> None:
    # Given a pull request that changes a file of the module,
    # when it is opened,
    text = await world.read("terraform/site.tf")
    number = await world.open({"terraform/site.tf": f"{text}\n# A remark.\n"})
    # then each environment that plans by itself has its plan; dev, which is for developers' machines, has not.
    told = await world.told(number)
    assert sorted(told) == [f"plan {env} planned" for env in ("ci", "prod", "staging", "test")]


async def test_change_outside_every_stack_plans_nothing_and_is_green(world: World) -> None:
    # Given a pull request that changes the README only,
    # when it is opened,
    number = await world.open({"README.md": "# Nothing for Terraform\n"})
    # then nothing is said or run, and neither check stands in the way.
    assert await world.told(number) == []
    assert world.runs() == []
    assert world.conclusions(number) == ("success", "success")


async def test_a_push_updates_the_same_comment_with_a_new_plan(world: World) -> None:
    # Given a planned pull request,
    number, first = await world.open_planned("One")
    # when another commit is pushed,
    head = await world.push({STAGING: await world.staging("Two")})
    second = await world.hear(number, kind="plan", env="staging", status="planned", head=head)
    # then the same comment shows another plan, of that commit.
    assert second.id == first.id
    assert second.header["plan"] != first.header["plan"]
    assert "Two" in second.body
    assert await world.told(number) == ["plan staging planned"]


async def test_a_push_stops_the_plan_of_the_older_commit(world: World) -> None:
    # Given a pull request whose first commit takes long to plan,
    await world.add_knobs()
    number = await world.open({STAGING: await world.knob("burn = 1024")})
    await world.running("plan")
    # when another commit is pushed meanwhile,
    head = await world.push({STAGING: await world.staging("Quick")})
    # then the older run is canceled and only the newest commit's plan is shown.
    await world.hear(number, kind="plan", env="staging", status="planned", head=head)
    assert await world.told(number) == ["plan staging planned"]
    assert [run["status"] for run in world.runs()] == ["canceled", "succeeded"]


async def test_push_that_leaves_a_stack_leaves_its_plan_stale(world: World) -> None:
    # Given a planned pull request,
    number, _ = await world.open_planned()
    # when its change of staging is taken back,
    await world.push({STAGING: await world.read(STAGING), "README.md": "# Something else\n"})
    # then the plan is shown as stale, nothing is planned, and the checks are green.
    assert await world.told(number) == ["plan staging stale"]
    assert len(world.runs()) == 1
    assert world.conclusions(number) == ("success", "success")


async def test_a_draft_is_planned_when_it_is_ready(world: World) -> None:
    # Given a draft, for which nothing is planned,
    number = await world.open({STAGING: await world.staging("Soon")}, draft=True)
    assert await world.told(number) == []
    assert world.runs() == []
    # when an environment that no merge waits for is planned, then its check is not green: checks belong to commits.
    await world.comment(number, "/plan ci")
    assert await world.told(number) == ["plan ci planned"]
    assert world.conclusions(number) == ("success", "queued")
    assert "What must be applied is not known yet" in (world.check(number, "gatewright/apply").title or "")
    # When it is marked as ready,
    await world.github.mark_ready(world.repo, number, author=DEV)
    # then it is planned, and says what is missing.
    assert sorted(await world.told(number)) == ["plan ci planned", "plan staging planned"]
    assert world.check(number, "gatewright/apply").title == "Not applied yet: staging"


async def test_draft_without_changes_is_green_once_all_was_asked_for(world: World) -> None:
    # Given a draft that changes no stack, of which one environment was planned,
    number = await world.open({"README.md": "# Nothing\n"}, draft=True)
    await world.comment(number, "/plan ci")
    await world.told(number)
    assert world.conclusions(number)[1] == "queued"
    # when everything that it touches is asked for, then there is nothing.
    await world.comment(number, "/plan")
    await world.refused(number, "no_changes")
    await world.idle()
    assert world.conclusions(number)[1] == "success"


async def test_a_reopened_pull_request_is_planned_anew(world: World) -> None:
    # Given a planned pull request that was closed,
    number, first = await world.open_planned()
    await world.github.close(world.repo, number, author=DEV)
    await world.told(number)
    # when it is opened again,
    await world.github.reopen(world.repo, number, author=DEV)
    # then the same commit has a new plan in the same comment.
    again = await world.hear(number, kind="plan", env="staging", status="planned")
    assert (again.id, again.header["head"]) == (first.id, first.header["head"])
    assert again.header["plan"] != first.header["plan"]


async def test_another_base_makes_every_plan_void(world: World) -> None:
    # Given a planned pull request and another branch, for which the policy plans nothing,
    number, _ = await world.open_planned()
    await world.github.push(world.repo, "release", {"NOTES.md": "1\n"}, author=ADMIN, start="main")
    # when the pull request is aimed at that branch,
    await world.github.edit_base(world.repo, number, base="release", author=DEV)
    # then its plan is stale and cannot be applied,
    assert await world.told(number) == ["plan staging stale"]
    await world.comment(number, "/apply staging")
    await world.refused(number, "base")
    # and another one is not to be had either: whoever writes to that branch would decide what is planned.
    await world.comment(number, "/plan staging")
    await world.refused(number, "base")
    assert len(world.runs(kind="plan")) == 1


async def test_another_base_that_the_policy_lists_is_planned_at_once(world: World) -> None:
    # Given a policy that lists another branch, and a planned pull request,
    await world.change_policy(lambda text: f"{text}\nbranches: [release]\n")
    await world.github.push(world.repo, "release", {"NOTES.md": "1\n"}, author=ADMIN, start="main")
    number, first = await world.open_planned()
    # when the pull request is aimed at that branch,
    await world.github.edit_base(world.repo, number, base="release", author=DEV)
    # then it has a new plan, and the old one is void.
    again = await world.hear(number, kind="plan", env="staging", status="planned")
    assert again.header["plan"] != first.header["plan"]
    assert await world.told(number) == ["plan staging planned"]


async def test_a_changed_policy_does_not_count_before_it_is_merged(world: World) -> None:
    # Given a pull request that gives everybody the right to apply prod without gates,
    policy = await world.read("gatewright.yaml")
    number = await world.open(
        {
            "gatewright.yaml": re.sub(r"gates: \[.*\]", "gates: []", policy),
            "envs/prod.tfvars": (await world.read("envs/prod.tfvars")).replace("Welcome", "Mine"),
        }
    )
    await world.hear(number, kind="policy")
    await world.hear(number, kind="plan", env="prod", status="planned")
    # when its author asks for the apply,
    await world.comment(number, "/apply prod")
    # then the default branch's policy is in force.
    await world.hear(number, kind="refusal", env="prod")
    assert world.runs(kind="apply") == []
    assert "Mine" not in await world.page("prod/")


async def test_code_that_terraform_rejects_is_told_with_its_error(world: World) -> None:
    # Given a pull request with a syntax error in the module,
    number = await world.open({"terraform/broken.tf": 'resource "terraform_data" "broken" {\n'})
    # when it is planned,
    told = await world.told(number)
    # then the comment says that planning failed and shows Terraform's own words, and the check is red.
    assert sorted(told) == [f"plan {env} failed" for env in ("ci", "prod", "staging", "test")]
    [comment] = world.watch(number).comments()
    assert "broken.tf" in comment.body
    assert world.conclusions(number) == ("failure", "queued")
    # And when the error is corrected, the same comment shows the plans.
    await world.push({"terraform/broken.tf": 'resource "terraform_data" "broken" {}\n'})
    told = await world.told(number)
    assert sorted(told) == [f"plan {env} planned" for env in ("ci", "prod", "staging", "test")]


async def test_a_merge_conflict_is_told_with_its_files(world: World) -> None:
    # Given a branch that changes the line which main has changed meanwhile,
    await world.github.push(
        world.repo, "change", {STAGING: await world.staging("Ours")}, author=DEV, start="main"
    )
    await world.push({STAGING: await world.staging("Theirs")}, branch="main", by=ADMIN)
    # when its pull request is opened,
    number = await world.open({})
    # then the conflict is told with the file, nothing runs, and both checks say so, of which one is red.
    said = await world.refused(number, "conflict")
    assert STAGING in said.body
    assert await world.told(number) == ["refusal refused conflict"]
    assert world.runs() == []
    assert world.conclusions(number) == ("failure", "queued")
    # And a command gets the same answer.
    command = await world.comment(number, "/plan")
    await world.refused(number, "conflict")
    await world.reacted(command, "confused")


async def test_an_invalid_policy_is_told_with_what_is_wrong(world: World) -> None:
    # Given a policy on main that names an unknown key,
    await world.change_policy(lambda text: f"{text}\nsurprise: true\n")
    # when a pull request is opened,
    number = await world.open_staging_change()
    # then it is told which key, and nothing runs.
    said = await world.refused(number, "config")
    assert "surprise" in said.body
    assert await world.told(number) == ["refusal refused config"]
    assert world.runs() == []


async def test_touched_stack_without_autoplan_is_named_and_changes_no_check(world: World) -> None:
    # Given a policy by which nothing is planned without a command in staging, for which a merge waits,
    await world.change_policy(without_autoplan)
    # when a pull request touches it, then its checks name it, and wait.
    number = await world.open({STAGING: await world.staging("By hand")})
    assert await world.told(number) == []
    plan, apply = (world.check(number, f"gatewright/{name}") for name in ("plan", "apply"))
    assert plan.title == "Not planned automatically: staging"
    assert "`/plan staging`" in (apply.summary or "")
    assert (
        apply.details_url
        == f"{world.playground.bot.url}/runs?repo={quote(world.repo, safe='')}&pull={number}"
    )
    assert world.conclusions(number) == ("success", "queued")
    # When a part of it is planned, and what it does not touch, then they are as before;
    await world.comment(number, "/plan staging -- -target=terraform_data.nothing")
    await world.comment(number, "/plan prod")
    await world.told(number)
    assert world.check(number, "gatewright/plan").id == plan.id
    assert world.check(number, "gatewright/apply").id == apply.id
    assert world.conclusions(number) == ("success", "queued")
    # when it is planned as a whole, then they go by that.
    await world.comment(number, "/plan staging")
    await world.told(number)
    assert (world.check(number, "gatewright/plan").title or "").startswith("staging: ")
    assert world.conclusions(number) == ("success", "queued")


async def test_commit_that_becomes_head_again_gets_its_own_check_runs(world: World) -> None:
    # Given a pull request whose change was applied, and that has moved on,
    number, _ = await world.open_planned("Back to this")
    first = world.head(number)
    await world.applied(number)
    await world.idle()
    assert world.conclusions(number) == ("success", "success")
    before = {run.id for run in world.github.check_runs(world.repo, first)}
    second = await world.push({STAGING: await world.staging("Away from it")})
    await world.hear(number, kind="plan", env="staging", status="planned", head=second)
    await world.idle()
    # when it is pushed back to that commit,
    await world.github.force_push(world.repo, "change", first, author=DEV)
    await world.told(number)
    # then the commit is planned once more, and its newest check runs say what is true now.
    assert world.head(number) == first
    plan, apply = (world.check(number, f"gatewright/{name}") for name in ("plan", "apply"))
    assert not before & {plan.id, apply.id}
    assert world.runs(kind="plan")[-1]["head_sha"] == first
    assert world.conclusions(number) == ("success", "success")


def without_autoplan(text: str) -> str:
    head, name, rest = text.partition("  staging:")
    return head + name + rest.replace("autoplan: true", "autoplan: false", 1)

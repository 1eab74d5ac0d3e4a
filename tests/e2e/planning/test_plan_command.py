"""`/plan` and the commands that only answer."""

from __future__ import annotations

from tests.e2e.world import READER, STAGING, World


async def test_plan_without_a_name_plans_what_is_touched(world: World) -> None:
    # Given a planned pull request,
    number, first = await world.open_planned()
    # when somebody asks for a plan,
    command = await world.comment(number, "/plan")
    # then the answer stands below it, the older plan is folded, and the command is greeted and answered.
    again = await world.hear(number, kind="plan", env="staging", status="planned")
    assert again.id > command > first.id
    assert again.header["plan"] != first.header["plan"]
    await world.reacted(command, "rocket")
    assert world.reactions(command) == ["eyes", "rocket"]
    assert await world.told(number) == ["plan staging planned"]
    assert world.folded(number) == [first.id]
    # And what comes by itself afterwards is shown in that comment.
    head = await world.push({STAGING: await world.staging("Pushed")})
    pushed = await world.hear(number, kind="plan", env="staging", status="planned", head=head)
    assert pushed.id == again.id
    assert world.folded(number) == [first.id]


async def test_plan_with_names_plans_those_environments_touched_or_not(world: World) -> None:
    # Given a pull request that touches no stack,
    number = await world.open({"README.md": "# Nothing for Terraform\n"})
    # when two environments are named,
    command = await world.comment(number, "/plan staging prod")
    # then each has a comment of its own.
    assert sorted(await world.told(number)) == ["plan prod planned", "plan staging planned"]
    assert world.reactions(command) == ["eyes", "rocket"]


async def test_plan_where_nothing_is_touched_says_so(world: World) -> None:
    # Given a pull request that touches no stack,
    number = await world.open({"README.md": "# Nothing for Terraform\n"})
    # when a plan is asked for without a name,
    command = await world.comment(number, "/plan")
    # then the answer names the command that plans anyway.
    said = await world.refused(number, "no_changes")
    assert "/plan ci" in said.body
    await world.reacted(command, "confused")


async def test_a_targeted_plan_is_marked_as_partial(world: World) -> None:
    # Given a planned pull request,
    number, whole = await world.open_planned()
    assert "-target" not in whole.body
    # when a plan of one resource is asked for,
    await world.comment(number, "/plan staging -- -target=terraform_data.release")
    # then the comment says what it was made with, and that it does not show everything.
    said = await world.hear(number, kind="plan", env="staging", status="planned")
    assert "-target=terraform_data.release" in said.body
    assert "does not show everything" in said.body
    assert "terraform_data.file" not in said.body


_IMPOSSIBLE = (
    ("/plan staging -- -destroy", "argument"),
    ("/plan staging -- -var=message=x", "argument"),
    ("/plan nowhere", "environment"),
    ("/plan dev", "environment"),
    ("/plan staging -p other", "project"),
    ("/plan staging --sideways", "usage"),
    ("/apply", "environment"),
    ("/apply staging please", "usage"),
    ("/incident P1 the moon is gone", "not_available"),
)


async def test_a_command_that_cannot_be_is_refused_with_its_reason(world: World) -> None:
    # Given a pull request,
    number = await world.open({"README.md": "# Nothing for Terraform\n"})
    for line, reason in _IMPOSSIBLE:
        # when a command asks for what is not there or not allowed,
        command = await world.comment(number, line)
        # then one comment names the reason and nothing runs.
        await world.refused(number, reason)
        await world.reacted(command, "confused")
        assert world.watch(number).unread() == []
    assert world.runs() == []


async def test_comments_that_are_no_commands_are_left_alone(world: World) -> None:
    # Given a pull request,
    number = await world.open({"README.md": "# Nothing for Terraform\n"})
    # when people talk, quote a command, and speak to another bot,
    bodies = ("Looks good", "> /plan staging", "`/plan staging`", "Please /plan staging", "/retest all")
    comments = [await world.comment(number, body) for body in bodies]
    # then nobody is answered.
    assert await world.told(number) == []
    assert [world.reactions(comment) for comment in comments] == [[]] * len(bodies)
    assert world.runs() == []


async def test_only_first_line_is_a_command_and_edits_are_none(world: World) -> None:
    # Given a comment whose first line asks for staging, with a note that names another command,
    number = await world.open({"README.md": "# Nothing for Terraform\n"})
    command = await world.comment(number, "/plan staging\n\nand later:\n/plan prod")
    assert await world.told(number) == ["plan staging planned"]
    # when the comment is edited into another command,
    await world.github.edit_comment(command, body="/plan prod")
    # then nothing more happens.
    assert await world.told(number) == ["plan staging planned"]


async def test_help_lists_every_command_and_explains_one(world: World) -> None:
    # Given a pull request,
    number = await world.open({"README.md": "# Nothing for Terraform\n"})
    # when help is asked for,
    command = await world.comment(number, "/help")
    every = await world.hear(number, kind="help")
    await world.reacted(command, "rocket")
    await world.comment(number, "/help apply")
    one = await world.hear(number, kind="help")
    # then the first answer lists the commands and the second explains one of them.
    assert all(f"/{name}" in every.body for name in ("plan", "apply", "cancel", "unlock", "status", "help"))
    assert "/apply ENV [PLAN]" in one.body
    assert "/unlock" not in one.body


async def test_status_shows_plans_locks_and_applies_to_a_reader(world: World) -> None:
    # Given a pull request that has applied staging,
    number, plan = await world.open_planned()
    await world.applied(number)
    # when a reader asks for the status,
    command = await world.comment(number, "/status", by=READER)
    # then the table shows the plan, who holds the stack, and the environments never applied.
    said = await world.hear(number, kind="status")
    assert plan.header["plan"] in said.body
    assert "this pull request (" in said.body
    assert "never" in said.body
    await world.reacted(command, "rocket")


async def test_two_projects_are_told_apart_by_name(world: World) -> None:
    # Given a repository with two projects,
    await world.push({"network/main.tf": 'resource "terraform_data" "net" {}\n'}, branch="main", by="admin")
    await world.change_policy(
        lambda text: text.replace(
            "  - {name: default, dir: terraform}\n",
            "  - {name: default, dir: terraform}\n  - {name: network, dir: network}\n",
        ).replace("/terraform.tfstate", "/{project}/terraform.tfstate")
    )
    # when a pull request touches one of them,
    number = await world.open({"network/main.tf": 'resource "terraform_data" "net" {\n  input = 1\n}\n'})
    # then only that project is planned, in every environment with autoplan.
    told = await world.told(number)
    assert sorted(told) == [f"plan network {env} planned" for env in ("ci", "prod", "staging", "test")]
    # And a command reaches the project that it names, even one that is not touched.
    await world.comment(number, "/plan staging -p default")
    assert "plan staging planned" in await world.told(number)
    await world.comment(number, "/apply staging -p network")
    await world.hear(number, kind="apply", project="network", env="staging", status="applied")
    told = await world.told(number)
    assert "plan network staging applied" in told
    assert "plan staging planned" in told
    assert [run["project"] for run in world.runs(kind="apply")] == ["network"]


async def test_a_message_with_markup_does_not_escape_the_comment(world: World) -> None:
    # Given a change whose value mentions a person and closes code fences,
    text = (await world.staging("X")).replace('"X"', '"@owner ``` <!-- gatewright {} --> </details>"')
    # when it is planned,
    number = await world.open({STAGING: text})
    said = await world.hear(number, kind="plan", env="staging", status="planned")
    # then there is one header only, and the mention is inside a longer fence.
    assert said.body.startswith("<!-- gatewright {")
    assert await world.told(number) == ["plan staging planned"]
    assert "````" in said.body

"""Comments that are wrong, not meant for the bot, or written by those who may not."""

from __future__ import annotations

import aiohttp
import pytest

from bot.playground.github.actions.comments import add_comment
from tests.e2e.hostile_input.scene import Scene
from tests.e2e.world import ADMIN, OUTSIDER, READER, World


async def quiet_pull(scene: Scene) -> int:
    """Open a pull request that touches no stack, and take the picture."""
    number = await scene.world.open({"README.md": "# acme/infra\n\nWords only.\n"})
    await scene.remember()
    return number


WRONG: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("/plan nowhere", "environment", ("nowhere", "`ci`, `test`, `staging`, `prod`")),
    ("/apply nowhere", "environment", ("nowhere", "`ci`, `test`, `staging`, `prod`")),
    ("/plan dev", "environment", ("dev", "developers' machines only")),
    ("/apply dev", "environment", ("dev", "`ci`, `test`, `staging`, `prod`")),
    ("/apply", "environment", ("never means prod", "/apply staging")),
    ("/aply staging", "usage", ("Did you mean `/apply`?", "/apply staging")),
    ("/plan ../prod", "environment", ("../prod",)),
    ("/plan staging -p ../../etc", "project", ("../../etc",)),
    ("/plan staging -p nothing", "project", ("nothing",)),
    ("/apply staging prod", "usage", ("prod",)),
    ("/apply staging pzzzzzzz", "no_plan", ()),
    ("/apply staging", "no_plan", ("/plan staging",)),
    ("/cancel pzzzzzzz", "not_found", ()),
    ("/unlock staging", "not_found", ()),
    ("/plan $(reboot)", "environment", ()),
    ("/plan staging -- -target=`id`", "argument", ("-target",)),
)
"""What is written, the reason of the refusal, and words of its answer."""
NOT_ALLOWED = (
    "-out=x",
    "-lock=false",
    "-state=x",
    "-chdir=..",
    "-var=x=1",
    "-var-file=x",
    "-backend-config=key=prod",
)
NOT_OURS = (
    "/lgtm",
    "/retest staging",
    "/plan-b is better",
    "> /plan staging",
    "    /plan staging",
    "```\n/plan staging\n```",
    "`/plan staging`",
    "Please write\n/plan staging",
    "<!-- /plan staging -->",
    "plan staging",
    "//plan staging",
    "/ plan staging",
    "\\/plan staging",
    "@gatewright plan staging",
    "-/plan staging",
    "/\u0440lan staging",
)


async def test_a_wrong_command_is_answered_with_what_is_right(
    scene: Scene, subtests: pytest.Subtests
) -> None:
    # Given a pull request without any plan,
    number = await quiet_pull(scene)
    for line, reason, says in WRONG:
        with subtests.test(line):
            # When somebody with write access writes a command that cannot be carried out,
            # Then one comment says why and what would be right, and nothing happens.
            await scene.refusal(number, line, reason, *says)


async def test_an_argument_that_is_not_allowed_is_refused_by_name(
    scene: Scene, subtests: pytest.Subtests
) -> None:
    # Given a pull request,
    number = await quiet_pull(scene)
    for argument in NOT_ALLOWED:
        with subtests.test(argument):
            # When a plan is asked for with an argument outside of the allow list, also behind an allowed one,
            name = argument.partition("=")[0]
            line = f"/plan staging -- -refresh=false {argument}"
            # Then the argument is named, the allowed ones are listed, and nothing is planned.
            await scene.refusal(number, line, "argument", f"`{name}`", "-target=ADDRESS")


async def test_what_is_no_command_of_ours_is_left_alone(scene: Scene) -> None:
    # Given a pull request,
    number = await quiet_pull(scene)
    # When comments hold no command of ours on their first line,
    comments = {body: await scene.world.comment(number, body) for body in NOT_OURS}
    # Then there is neither a reaction nor an answer.
    await scene.nothing_happened()
    reactions = {body: scene.world.reactions(comment) for body, comment in comments.items()}
    assert reactions == {body: [] for body in NOT_OURS}
    assert scene.world.watch(number).comments() == []


async def test_an_edited_comment_is_no_command(scene: Scene) -> None:
    number = await quiet_pull(scene)
    # Given a comment without a command, When it is edited into one,
    comment = await scene.world.comment(number, "plan, please")
    await scene.world.github.edit_comment(comment, body="/plan staging")
    # Then it is left alone: whoever has read it has read something else.
    await scene.nothing_happened()
    assert scene.world.reactions(comment) == []
    assert scene.world.watch(number).comments() == []


async def test_a_command_on_a_plain_issue_is_left_alone(scene: Scene) -> None:
    # Given an issue that is no pull request,
    world = scene.world
    issue = await new_issue(world)
    # When somebody with every right writes a command on it,
    comment = await world.comment(issue, "/plan staging", by=ADMIN)
    # Then nothing at all happens.
    await scene.nothing_happened()
    assert world.reactions(comment) == []
    assert world.watch(issue).comments() == []


async def new_issue(world: World) -> int:
    headers = {"Authorization": f"Bearer {world.github.user_token(ADMIN)}"}
    url = f"{world.github.api_url}/repos/{world.repo}/issues"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, headers=headers, json={"title": "An issue"}) as answer,
    ):
        assert answer.status == 201
        created: int = (await answer.json())["number"]
    return created


async def test_commands_of_machines_are_left_alone(scene: Scene) -> None:
    # Given a pull request,
    number = await quiet_pull(scene)
    world, hub = scene.world, scene.world.github._hub
    # When a bot's account writes a command, and when an App writes one in a person's name,
    repo = world.github.repo(world.repo)
    by_bot = add_comment(hub, repo, number, author=hub.bot_login, body="/plan staging")
    by_app = add_comment(hub, repo, number, author="dev", body="/plan staging", via_app=True)
    # Then neither is a command.
    await scene.nothing_happened()
    assert world.reactions(by_bot.id) == world.reactions(by_app.id) == []
    assert world.watch(number).comments() == []


@pytest.mark.parametrize("who", [READER, OUTSIDER])
async def test_who_may_not_write_can_neither_plan_nor_apply(scene: Scene, who: str) -> None:
    # Given a plan of staging that could be applied,
    world = scene.world
    number, plan = await world.open_planned("Not for everybody")
    await scene.remember()
    for line in ("/plan staging", "/apply staging", "/apply prod", "/cancel", "/unlock staging"):
        # When somebody without write access asks for it,
        _, body = await scene.refusal(number, line, "permission", by=who)
        # Then the refusal tells nothing of plans, states and environments.
        for hidden in (str(plan.header["plan"]), "serial", "Not for everybody", "ci, test", "@owner"):
            assert hidden not in body
    # And the plan is as good as before.
    await world.applied(number)
    assert "Not for everybody" in await world.page("staging/")


async def test_an_outsider_learns_nothing_by_wrong_commands(scene: Scene) -> None:
    # Given an outsider, and a policy file that is broken on top of it,
    world = scene.world
    number = await quiet_pull(scene)
    await world.change_policy(lambda text: text.replace("version: 1", "version: 99", 1))
    for line in ("/plan nowhere", "/apply", "/aply staging", "/plan staging -- -out=x", "/status"):
        # When they write what others would be told much about,
        _, body = await scene.refusal(number, line, "permission", by=OUTSIDER)
        # Then they learn only that commands are not for them.
        for hidden in ("staging,", "prod", "Did you mean", "-target", "version"):
            assert hidden not in body.replace(f"`{line}`", "")


async def test_write_access_is_not_enough_where_environment_asks_for_more(scene: Scene) -> None:
    # Given staging that only administrators may apply,
    world = scene.world
    await world.change_policy(lambda text: text.replace("allow: write", "allow: admin", 1))
    number, _ = await world.open_planned("For administrators")
    await scene.remember()
    # When a developer with write access asks for the apply, Then it is refused;
    await scene.refusal(number, "/apply staging", "permission", "admin")
    # when an administrator asks, it is done.
    await world.comment(number, "/apply staging", by=ADMIN)
    await world.hear(number, kind="apply", env="staging", status="applied")
    await world.told(number)
    assert "For administrators" in await world.page("staging/")


async def test_a_right_that_was_taken_away_counts_no_more(scene: Scene) -> None:
    # Given a developer whose plan waits, and who loses write access,
    world = scene.world
    number, _ = await world.open_planned("Too late")
    await scene.remember()
    world.github.set_permission(world.repo, "dev", "read")
    # When they ask for the apply, Then it is refused.
    await scene.refusal(number, "/apply staging", "permission")

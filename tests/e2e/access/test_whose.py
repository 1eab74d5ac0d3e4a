"""Who is served, and whose each state is: several repositories on one server."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3

import pytest

from bot.playground.stack import Playground
from tests.e2e.world import STAGING, World, fresh_world

_SMALLEST = """
version: 1
terraform: {{engine: terraform, version: "{version}"}}
environments:
  {env}: {{autoplan: true, var_file: envs/staging.tfvars{more}}}
"""


async def smallest(world: World, *, env: str = "staging", more: str = ", apply: {allow: write}") -> None:
    """Give a repository the smallest policy, whose states have the usual keys."""
    text = _SMALLEST.format(version=world.playground.engine.version, env=env, more=more)
    await world.change_policy(lambda _: text)
    await world.idle()


@pytest.mark.slow
async def test_a_second_repository_never_gets_the_state_of_the_first(
    playground: Playground, world: World
) -> None:
    # Given a repository that has applied staging, and another one with the same smallest policy,
    await smallest(world)
    number, _ = await world.open_planned("First")
    await world.applied(number)
    before = world.state_at("staging/terraform.tfstate")
    async with fresh_world(playground, "second") as second:
        await smallest(second)

        # when the other one's pull request is opened,
        other = await second.open({STAGING: await second.staging("Second")})

        # then nothing of it is planned, and it is told whose the state is and what to do,
        refused = await second.hear(other, kind="plan", env="staging", status="failed")
        assert refused.header["reason"] == "state_owner"
        assert f"belongs to staging of {world.repo}" in refused.body
        assert "`state_key` of its own" in refused.body
        assert (
            f"gatewright state owner staging/terraform.tfstate --move {second.repo} --env staging"
            in refused.body
        )
        await second.idle()
        assert [(run["status"], run["plan_id"]) for run in second.runs()] == [("failed", None)]

        # and every command that would look at the state or change it is refused for the same reason.
        for command in (
            "/plan staging",
            "/apply staging",
            "/drift staging",
            "/revert staging",
            "/smoke staging",
            "/import staging terraform_data.x 1",
            "/state rm staging terraform_data.release",
            "/state restore staging 1",
        ):
            await second.comment(other, command, by="admin")
            await second.refused(other, "state_owner")
        await second.comment(other, "/unlock staging")
        await second.refused(other, "not_found")
        assert second.locks() == []
        assert [run["kind"] for run in second.runs()] == ["plan"]
    assert world.state_at("staging/terraform.tfstate") == before
    assert world.locks() == [("staging", number)]


async def test_another_repository_does_not_queue_for_a_shared_environment(
    playground: Playground, world: World
) -> None:
    # Given two pull requests of a repository that share an environment, one after the other,
    await smallest(world, env="rehearsal", more=", lifecycle: pull_request")
    holder = await world.open({STAGING: await world.staging("One")}, branch="one")
    await world.hear(holder, kind="apply", env="rehearsal", status="applied")
    await world.hear(holder, kind="plan", env="rehearsal", status="applied")
    waiting = await world.open({STAGING: await world.staging("Two")}, branch="two")
    await world.hear(waiting, kind="queue", env="rehearsal", status="waiting")
    async with fresh_world(playground, "stranger") as second:
        await smallest(second, env="rehearsal", more=", lifecycle: pull_request")

        # when a pull request of another repository comes to the same key,
        other = await second.open({STAGING: await second.staging("Other")})

        # then it is refused and does not stand in line, while the two still share,
        refused = await second.hear(other, kind="plan", env="rehearsal", status="failed")
        assert refused.header["reason"] == "state_owner"
        await second.idle()
        assert second.locks() == []
    await world.github.close(world.repo, holder, author="dev")
    await world.hear(waiting, kind="apply", env="rehearsal", status="applied")
    await world.told(holder)
    await world.told(waiting)
    # and the environment is left as it was found.
    await world.github.close(world.repo, waiting, author="dev")
    await world.told(waiting)


async def test_a_repository_that_is_not_listed_is_ignored_in_silence(playground: Playground) -> None:
    # Given a repository that has installed the App, and is not among those that are served,
    github, asked = playground.github, len(playground.github.requests)
    repo = "acme/stranger"
    await github.create_repo(repo, files={"gatewright.yaml": "version: 1\n", STAGING: "message = 1\n"})
    await github.add_personas(repo)
    world = World(playground=playground, repo=repo)

    # when everything happens there that is done for others,
    number = await world.open({STAGING: "message = 2\n"})
    comment = await world.comment(number, "/plan")
    await world.push({STAGING: "message = 3\n"})
    await world.idle()

    # then nobody says or does anything, and nothing is asked of GitHub for it,
    assert github.comments(repo, number)[1:] == []
    assert world.reactions(comment) == []
    assert github.check_runs(repo, world.head(number)) == []
    assert world.runs() == []
    assert [one.path for one in github.requests[asked:] if "/installation" in one.path] == []
    assert [one.path for one in github.requests[asked:] if "stranger" in one.path] == []
    # and the operator can see who it was.
    with contextlib.closing(sqlite3.connect(world.database)) as database:
        rows = database.execute("SELECT full_name, why FROM turned_away").fetchall()
        bodies = database.execute(
            "SELECT outcome, payload FROM deliveries WHERE repo = ?", (repo,)
        ).fetchall()
    assert rows == [(repo, "unlisted")]
    assert set(bodies) == {("ignored", b"")}
    log = await asyncio.to_thread(playground.bot.log.read_text)
    assert log.count("acme/stranger (id ") == 1

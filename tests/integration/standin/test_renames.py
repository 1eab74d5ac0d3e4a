"""Accounts that rename, that take a login which was given up, and that are deleted."""

from __future__ import annotations

import pytest

from bot.playground.github.errors import ApiError

from .conftest import REPO, World

R = f"/repos/{REPO}"


async def test_renamed_account_keeps_its_id_and_all_that_it_did(world: World) -> None:
    github = world.github
    before = github.account("dev").id
    token = world.user("dev")
    pull = await github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    comment = await github.comment(REPO, pull.number, author="dev", body="/plan")

    github.rename_account("dev", "developer")

    bot = await world.bot()
    told = (await bot.get(f"{R}/pulls/{pull.number}")).body["user"]
    said = (await bot.get(f"{R}/issues/{pull.number}/comments")).body[0]
    [commit] = (await bot.get(f"{R}/pulls/{pull.number}/commits")).body
    held = (await bot.get(f"{R}/collaborators/developer/permission")).body
    assert {each["id"] for each in (told, said["user"], commit["author"], held["user"])} == {before}
    assert {each["login"] for each in (told, said["user"], commit["author"], held["user"])} == {"developer"}
    assert (held["role_name"], said["id"]) == ("write", comment.id)
    assert (await token.get("/user")).body["login"] == "developer"


async def test_the_old_login_is_nobodys_until_somebody_takes_it(world: World) -> None:
    github = world.github
    await github.add_team("acme", "oncall", ["dev"])
    bot = await world.bot()
    members = "/orgs/acme/teams/oncall/memberships"

    github.rename_account("dev", "developer")

    assert (await bot.get(f"{R}/collaborators/dev/permission")).status == 404
    assert (await bot.get("/users/dev")).status == 404
    assert (await bot.get(f"{members}/dev")).status == 404
    assert (await bot.get(f"{members}/developer")).status == 200
    taken = await github.add_user("dev")
    held = (await bot.get(f"{R}/collaborators/dev/permission")).body
    assert (held["user"]["id"], held["permission"]) == (taken.id, "none")
    assert taken.id != github.account("developer").id


async def test_a_login_that_is_taken_is_not_available(world: World) -> None:
    with pytest.raises(ApiError, match="not available"):
        world.github.rename_account("dev", "Owner")

    world.github.rename_account("dev", "Dev")
    assert world.github.account("dev").login == "Dev"


async def test_what_a_deleted_account_did_is_the_ghosts(world: World) -> None:
    github = world.github
    token = world.user("dev")
    pull = await github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    await github.comment(REPO, pull.number, author="dev", body="/plan")

    github.delete_account("dev")
    await github.add_user("dev")

    bot = await world.bot()
    assert (await bot.get(f"{R}/pulls/{pull.number}")).body["user"]["id"] == 10137
    assert [each["user"] for each in (await bot.get(f"{R}/pulls")).body] == [None]
    assert [each["user"] for each in (await bot.get(f"{R}/issues/{pull.number}/comments")).body] == [None]
    assert (await bot.get(f"{R}/collaborators/dev/permission")).body["permission"] == "none"
    assert (await token.get("/user")).status == 401


async def test_a_rename_is_kept_over_a_restart(world: World) -> None:
    world.github.rename_account("dev", "developer")
    world.github.save()

    kept = world.github.config.state_dir / "state.json"

    assert '"developer"' in kept.read_text()
    assert "developer" in world.github.repo(REPO).collaborators


async def test_a_mannequin_is_an_author_without_any_right(world: World) -> None:
    added = await world.github.add_mannequin("imported")
    pull = await world.github.open_pull(REPO, author="imported", branch="f", files={"a": "1\n"})

    bot = await world.bot()
    told = (await bot.get(f"{R}/pulls/{pull.number}")).body["user"]
    assert (told["id"], told["type"]) == (added.id, "Mannequin")
    assert (await bot.get(f"{R}/collaborators/imported/permission")).status == 404

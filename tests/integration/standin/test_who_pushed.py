"""Who pushed what, approvals whose commit moves, and teams with and without access."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from bot.playground.github.actions.pushes import Moved, announce

from .conftest import REPO, World

R = f"/repos/{REPO}"
MEDIA = "application/vnd.github.v3.repository+json"


async def pull_with_approval(world: World) -> tuple[int, str]:
    pull = await world.github.open_pull(REPO, author="dev", branch="change", files={"a": "1\n"})
    await world.github.review(REPO, pull.number, author="owner", state="approved")
    return pull.number, pull.head_sha


async def force_push(world: World, files: Mapping[str, str]) -> str:
    """Replace the branch `change` by one commit on the default branch."""
    hub, repo = world.github._hub, world.github.repo(REPO)
    git = hub.git(repo)
    before = await world.github.head(REPO, "change")
    await git.delete_ref("refs/heads/change")
    by = hub.signature(hub.state.account("dev"))
    after = await git.write("change", files, by=by, message="Again", start=await git.resolve("main"))
    await announce(hub, repo, Moved(ref="refs/heads/change", before=before, after=after), "dev")
    return after


def commits(world: World, number: int) -> list[str]:
    return [each.commit_id for each in world.github.reviews(REPO, number)]


async def listed(world: World, query: str = "") -> list[dict[str, Any]]:
    answer = await (await world.bot()).get(f"{R}/activity{query}")
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = answer.body
    return found


async def test_an_approval_moves_with_a_force_push(world: World) -> None:
    world.github.config.moving_reviews = 1.0
    number, _ = await pull_with_approval(world)

    pushed = await force_push(world, {"b": "2\n"})

    assert commits(world, number) == [pushed]


async def test_an_approval_stays_at_its_commit_after_an_ordinary_push(world: World) -> None:
    world.github.config.moving_reviews = 1.0
    number, head = await pull_with_approval(world)

    await world.github.push(REPO, "change", {"b": "2\n"}, author="dev")

    assert commits(world, number) == [head]


async def test_an_approval_moves_with_a_merge_of_the_base(world: World) -> None:
    world.github.config.moving_reviews = 1.0
    number, head = await pull_with_approval(world)
    await world.github.push(REPO, "main", {"c": "3\n"}, author="admin")

    merged = await world.github.update_branch(REPO, number, author="owner")

    commit = await world.github._hub.git(world.github.repo(REPO)).commit(merged)
    assert commit.parents == (head, await world.github.head(REPO, "main"))
    assert commits(world, number) == [merged]


async def test_what_moves_is_the_same_in_each_run(world: World) -> None:
    number, _ = await pull_with_approval(world)
    moved = []
    for content in range(12):
        pushed = await force_push(world, {"b": f"{content}\n"})
        moved.append(commits(world, number) == [pushed])

    assert set(moved) == {True, False}


async def test_changes_that_are_requested_do_not_move(world: World) -> None:
    world.github.config.moving_reviews = 1.0
    pull = await world.github.open_pull(REPO, author="dev", branch="change", files={"a": "1\n"})
    await world.github.review(REPO, pull.number, author="owner", state="changes_requested")
    head = pull.head_sha

    await force_push(world, {"b": "2\n"})

    assert commits(world, pull.number) == [head]


async def test_the_activity_says_who_moved_which_branch(world: World) -> None:
    number, head = await pull_with_approval(world)
    main = await world.github.head(REPO, "main")
    second = await world.github.push(REPO, "change", {"b": "2\n"}, author="owner")
    third = await force_push(world, {"b": "3\n"})
    merged = await world.github.merge(REPO, number, author="admin")

    [merge, *on_branch] = await listed(world)

    told = [
        (each["activity_type"], each["before"], each["after"], each["actor"]["login"]) for each in on_branch
    ]
    assert told == [
        ("force_push", second, third, "dev"),
        ("push", head, second, "owner"),
        ("branch_creation", "0" * 40, head, "dev"),
    ]
    assert (merge["activity_type"], merge["ref"], merge["before"]) == ("pr_merge", "refs/heads/main", main)
    assert (merge["after"], merge["actor"]["login"]) == (merged, "admin")


@pytest.mark.parametrize("ref", ["change", "refs/heads/change"])
async def test_the_activity_of_one_branch_comes_in_pages(world: World, ref: str) -> None:
    await pull_with_approval(world)
    await world.github.push(REPO, "other", {"x": "1\n"}, author="dev")
    for content in range(4):
        await world.github.push(REPO, "change", {"b": f"{content}\n"}, author="dev")
    bot = await world.bot()

    path, seen = f"{R}/activity?ref={ref}&per_page=2", []
    while path:
        answer = await bot.get(path)
        seen += [each["ref"] for each in answer.body]
        following = re.search(r'<[^>]*(/repos/[^>]*)>; rel="next"', answer.headers.get("Link", ""))
        path = following[1] if following else ""

    assert seen == ["refs/heads/change"] * 5


async def test_a_forgotten_activity_is_empty(world: World) -> None:
    await pull_with_approval(world)

    world.github.forget_activity(REPO)

    assert await listed(world) == []


async def test_access_of_team_is_told_as_the_media_type_asks(world: World) -> None:
    path = f"/orgs/acme/teams/platform/repos/{REPO}"
    await world.github.add_team("acme", "strangers", ["owner2"])
    bot = await world.bot()

    short = await bot.call("GET", path)
    long = await bot.call("GET", path, Accept=MEDIA)
    without = await bot.call("GET", f"/orgs/acme/teams/strangers/repos/{REPO}", Accept=MEDIA)

    assert (short.status, short.body) == (204, "")
    assert (long.status, long.body["role_name"], long.body["permissions"]["push"]) == (200, "write", True)
    assert without.status == 404

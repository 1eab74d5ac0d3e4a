"""Who is named where something else than the merge button merges, and what becomes of the commits."""

import pytest

from bot.playground.github.actions.queue import QUEUE_BOT

from .conftest import REPO, World

TWO = {"a": "1\n"}, {"b": "2\n"}


async def opened(world: World, branch: str = "f", path: str = "a") -> int:
    pull = await world.github.open_pull(REPO, author="dev", branch=branch, files={path: "1\n"})
    return pull.number


def named(world: World, event: str) -> tuple[str, str, str]:
    """Return sender, merger and type of the merger that the last such event names."""
    body = world.receiver.last(event).body
    merger = body["pull_request"]["merged_by"]
    return body["sender"]["login"], merger["login"], merger["type"]


async def test_queue_merges_each_pull_request_by_its_own_commit(world: World) -> None:
    github = world.github
    one, two = await opened(world), await opened(world, "g", "b")
    base = await github.head(REPO, "main")

    last = await github.queue(REPO, one, two, author="dev", method="squash")
    await github.settled()
    asked = [each.body for each in world.receiver.received if each.event == "merge_group.checks_requested"]
    commits = await github.merge_queue(REPO)
    await github.settled()

    groups = [each["merge_group"] for each in asked]
    assert [group["base_sha"] for group in groups] == [base, commits[0]]
    assert [group["head_ref"].rpartition("/")[2] for group in groups] == [
        f"pr-{one}-{base}",
        f"pr-{two}-{commits[0]}",
    ]
    assert {each["sender"]["login"] for each in asked} == {QUEUE_BOT}
    assert named(world, "pull_request.closed") == (QUEUE_BOT, QUEUE_BOT, "Bot")
    merged = [github.pull(REPO, number).merge_commit_sha for number in (one, two)]
    assert merged == commits
    assert await github.head(REPO, "main") == last == commits[1]
    events = world.receiver.events()
    assert events.count("pull_request.enqueued") == events.count("pull_request.dequeued") == 2
    assert world.receiver.last("merge_group.destroyed").body["reason"] == "merged"
    pushes = [each.body for each in world.receiver.received if each.event == "push"]
    main = [push for push in pushes if push["ref"] == "refs/heads/main"]
    assert [(push["before"], push["after"], push["pusher"]["name"]) for push in main] == [
        (base, last, QUEUE_BOT)
    ]


async def test_what_falls_out_of_queue_takes_those_behind_it_along(world: World) -> None:
    one, two = await opened(world), await opened(world, "g", "b")
    await world.github.queue(REPO, one, two, author="dev")

    await world.github.dequeue(REPO, one, author="admin")
    await world.github.settled()

    reasons = [
        each.body["reason"] for each in world.receiver.received if each.event == "merge_group.destroyed"
    ]
    assert reasons == ["dequeued", "invalidated"]
    assert world.receiver.last("pull_request.dequeued").body["reason"] == "MANUAL"
    assert await world.github.merge_queue(REPO) == []


async def test_another_app_merges_as_its_bot_without_known_permission(world: World) -> None:
    await world.github.add_app("mergify")
    number = await opened(world)

    await world.github.merge(REPO, number, author="mergify[bot]")
    await world.github.settled()
    asked = await (await world.bot()).get(f"/repos/{REPO}/collaborators/mergify[bot]/permission")

    assert named(world, "pull_request.closed") == ("mergify[bot]", "mergify[bot]", "Bot")
    assert (asked.status, asked.body["message"]) == (404, "mergify[bot] is not a user")


async def test_an_auto_merge_is_that_of_who_asked_for_it(world: World) -> None:
    number = await opened(world)

    await world.github.auto_merge(REPO, number, author="owner", method="squash")
    await world.github.review(REPO, number, author="owner2", state="approved")
    await world.github.requirements_met(REPO, number)
    await world.github.settled()

    enabled = world.receiver.last("pull_request.auto_merge_enabled").body["pull_request"]["auto_merge"]
    assert (enabled["enabled_by"]["login"], enabled["merge_method"]) == ("owner", "squash")
    assert named(world, "pull_request.closed") == ("owner", "owner", "User")


async def test_after_rebase_the_merge_commit_is_the_last_of_several(world: World) -> None:
    github = world.github
    number = await opened(world)
    await github.push(REPO, "f", {"b": "2\n"}, author="dev")
    await github.push(REPO, "main", {"c": "3\n"}, author="admin")
    before = await github.head(REPO, "main")

    tip = await github.merge(REPO, number, author="dev", method="rebase")

    assert github.pull(REPO, number).merge_commit_sha == tip == await github.head(REPO, "main")
    commits = (await (await world.bot()).get(f"/repos/{REPO}/compare/{before}...{tip}")).body["commits"]
    assert [len(each["parents"]) for each in commits] == [1, 1]


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
async def test_the_revert_button_opens_an_ordinary_pull_request(world: World, method: str) -> None:
    github = world.github
    number = await opened(world)
    await github.push(REPO, "f", {"b": "2\n"}, author="dev")
    await github.push(REPO, "main", {"c": "3\n"}, author="admin")
    await github.merge(REPO, number, author="dev", method=method)

    made = await github.revert_button(REPO, number, author="owner")
    await github.settled()

    assert (made.head_ref, made.author) == (f"revert-{number}-f", "owner")
    assert (made.title, made.body) == ('Revert "Change a"', f"Reverts {REPO}#{number}")
    gone = [await github.read(REPO, made.head_ref, path) for path in ("a", "b")]
    assert gone == [None, None]
    assert await github.read(REPO, made.head_ref, "c") == "3\n"


async def test_commits_pushed_to_the_base_merge_their_pull_request(world: World) -> None:
    number = await opened(world)
    head = world.github.pull(REPO, number).head_sha

    await world.github.push_commit(REPO, "main", head, author="admin")
    await world.github.settled()

    assert named(world, "pull_request.closed") == ("admin", "admin", "User")
    assert world.github.pull(REPO, number).merge_commit_sha == head


async def test_a_pull_request_outlives_its_fork_and_its_branch(world: World) -> None:
    github = world.github
    fork = await github.open_pull(REPO, author="outsider", branch="f", files={"a": "1\n"}, fork="outsider")
    number = await opened(world, "g", "b")

    await github.delete_repo(fork.head_repo)
    await github.merge(REPO, number, author="dev")
    await github.delete_branch(REPO, "g", author="dev")
    await github.close(REPO, fork.number, author="outsider")
    await github.settled()

    head = world.receiver.last("pull_request.closed").body["pull_request"]["head"]
    assert (head["label"], head["repo"]) == ("outsider:f", None)
    bot = await world.bot()
    shown = (await bot.get(f"/repos/{REPO}/pulls/{fork.number}")).body
    assert (shown["head"]["repo"], shown["head"]["sha"]) == (None, fork.head_sha)
    assert len((await bot.get(f"/repos/{REPO}/pulls?state=all")).body) == 2
    assert github.pull(REPO, number).merged

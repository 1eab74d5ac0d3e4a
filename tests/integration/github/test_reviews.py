"""Reviews and commits of pull requests, as the gate of the code owners reads them."""

from __future__ import annotations

import pytest

from bot.adapters.github import GitHubApp
from bot.domain.core.errors import GitHubError, GitHubNotFoundError
from bot.domain.core.model import Permission, Repo, Sha
from bot.playground.github.records.model import Pull
from tests.fakes.accounts import account
from tests.integration.github.conftest import REPO, World
from tests.integration.github.scripted import Scripted, ScriptedGitHub


async def opened(world: World) -> Pull:
    return await world.github.open_pull(REPO, author="dev", branch="topic", files={"a.tf": "# new\n"})


async def test_reviews_are_told_with_user_state_commit_and_time(world: World) -> None:
    pull = await opened(world)
    old = world.github.pull(REPO, pull.number).head_sha
    await world.github.review(REPO, pull.number, author="owner", state="approved")
    at = world.time.now()
    await world.time.sleep(90)
    new = await world.github.push(REPO, "topic", {"a.tf": "# newer\n"}, author="dev")
    await world.github.review(REPO, pull.number, author="owner2", state="changes_requested", body="No")
    await world.github.review(REPO, pull.number, author="dev", state="commented", body="Hm")

    told = await world.app.reviews(world.repo, pull.number)

    assert [(each.user.login, each.state, each.commit_id) for each in told] == [
        ("owner", "APPROVED", old),
        ("owner2", "CHANGES_REQUESTED", new),
        ("dev", "COMMENTED", new),
    ]
    assert [round((each.submitted_at - at).total_seconds()) for each in told] == [0, 90, 90]


async def test_a_dismissed_review_is_told_as_such(world: World) -> None:
    pull = await opened(world)
    given = await world.github.review(REPO, pull.number, author="owner", state="approved")
    await world.github.dismiss_review(given.id, author="admin")

    assert [each.state for each in await world.app.reviews(world.repo, pull.number)] == ["DISMISSED"]


async def test_every_one_of_many_reviews_is_told(world: World) -> None:
    pull = await opened(world)
    for number in range(230):
        await world.github.review(REPO, pull.number, author="owner", state="commented", body=f"{number}")
    await world.github.review(REPO, pull.number, author="owner", state="approved")

    told = await world.app.reviews(world.repo, pull.number)

    assert len(told) == 231
    assert told[-1].state == "APPROVED"


async def test_a_pull_request_nobody_reviewed_has_no_reviews(world: World) -> None:
    pull = await opened(world)

    assert list(await world.app.reviews(world.repo, pull.number)) == []


async def test_reviews_of_missing_pull_request_are_error_and_not_none(world: World) -> None:
    with pytest.raises(GitHubNotFoundError, match="reading the reviews of acme/infra#99"):
        await world.app.reviews(world.repo, 99)


async def test_whoever_made_a_commit_is_a_committer(world: World) -> None:
    pull = await opened(world)
    pushed = await world.github.push(REPO, "topic", {"b.tf": "# by another\n"}, author="owner2")

    found = await world.app.committers(world.repo, pull.number)
    assert {(each.login, each.id) for people in found.values() for each in people} == {
        (login, world.github.account(login).id) for login in ("dev", "owner2")
    }
    assert world.github.account("owner2").id in {each.id for each in found[Sha(pushed)]}


async def test_250_commits_may_not_be_all_and_are_an_error(
    scripted: ScriptedGitHub, app: GitHubApp, repo: Repo
) -> None:
    commit = {"sha": "a" * 40, "author": {"login": "dev", "id": 5}, "committer": None}
    pages = [Scripted(data=[commit] * size) for size in (100, 100, 50)]
    scripted.answer("GET", "/repos/acme/infra/pulls/7/commits", *pages)

    with pytest.raises(GitHubError, match="250 or more"):
        await app.committers(repo, 7)


async def test_people_whom_github_does_not_know_are_left_out(
    scripted: ScriptedGitHub, app: GitHubApp, repo: Repo
) -> None:
    commits = [
        {"sha": "a" * 40, "author": None, "committer": {}},
        {"sha": "b" * 40, "author": {"login": "dev", "id": 5}, "committer": None},
    ]
    scripted.answer("GET", "/repos/acme/infra/pulls/7/commits", Scripted(data=commits))

    assert await app.committers(repo, 7) == {"a" * 40: frozenset(), "b" * 40: {account("dev", 5)}}


async def test_drafts_and_reviews_of_deleted_users_are_nobodys_opinion(
    scripted: ScriptedGitHub, app: GitHubApp, repo: Repo
) -> None:
    given = {"id": 1, "state": "APPROVED", "commit_id": None, "submitted_at": "2026-03-01T12:00:00Z"}
    draft = {"id": 2, "state": "PENDING", "user": {"login": "owner", "id": 7}}
    scripted.answer(
        "GET",
        "/repos/acme/infra/pulls/7/reviews",
        Scripted(data=[{**given, "user": None}, draft, {**given, "user": {"login": "owner", "id": 7}}]),
    )

    [told] = await app.reviews(repo, 7)

    assert (told.id, told.user, told.state, told.commit_id) == (1, account("owner", 7), "APPROVED", None)


async def test_the_activity_of_a_branch_is_read_page_by_page(world: World) -> None:
    pull = await opened(world)
    opened_at = pull.head_sha
    texts = [f"# {number}\n" for number in range(105)]
    later = [await world.github.push(REPO, "topic", {"a.tf": text}, author="owner") for text in texts]

    first = await world.app.activity(world.repo, "refs/heads/topic")
    second = await world.app.activity(world.repo, "refs/heads/topic", cursor=first.cursor)

    pushes = [*first.pushes, *second.pushes]
    assert [push.after for push in reversed(pushes)] == [opened_at, *later]
    assert (len(first.pushes), second.cursor) == (100, None)
    assert {push.sender.login for push in first.pushes} == {"owner"}
    assert (pushes[-1].sender.login, pushes[-1].before) == ("dev", "0" * 40)


async def test_deletions_and_acts_of_deleted_accounts_are_no_pushes(
    scripted: ScriptedGitHub, app: GitHubApp, repo: Repo
) -> None:
    dev = {"login": "dev", "id": 5, "type": "User"}
    entry = {
        "before": "a" * 40,
        "after": "b" * 40,
        "ref": "refs/heads/topic",
        "timestamp": "2026-03-01T12:00:00Z",
        "activity_type": "push",
        "actor": dev,
    }
    entries = [entry, {**entry, "actor": None}, {**entry, "activity_type": "branch_deletion"}]
    scripted.answer("GET", "/repos/acme/infra/activity", Scripted(data=entries))

    [push] = (await app.activity(repo, "refs/heads/topic")).pushes

    assert push.sender == account("dev", 5)


@pytest.mark.parametrize("role", ["read", "triage", "write", "maintain", "admin"])
async def test_the_right_of_a_team_is_its_own(world: World, role: str) -> None:
    await world.github.add_team("acme", "platform", ["owner"])
    world.github.set_team_permission(REPO, "platform", role)

    assert await world.app.team_permission(world.repo, "acme", "platform") is Permission(role)


async def test_a_team_without_access_or_existence_has_no_right(world: World) -> None:
    await world.github.add_team("acme", "strangers", ["owner"])

    for team in ("strangers", "nobody"):
        assert await world.app.team_permission(world.repo, "acme", team) is Permission.NONE


async def test_the_apps_own_account_is_a_bot_of_its_name(world: World) -> None:
    assert await world.app.own_login() == "gatewright[bot]"

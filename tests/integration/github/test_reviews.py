"""Reviews and commits of pull requests, as the gate of the code owners reads them."""

from __future__ import annotations

import pytest

from bot.adapters.github import GitHubApp
from bot.domain.errors import GitHubError, GitHubNotFoundError
from bot.domain.model import Repo
from bot.playground.github.model import Pull
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

    assert [(each.user, each.state, each.commit_id) for each in told] == [
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


async def test_reviews_of_a_missing_pull_request_are_an_error_and_not_none(world: World) -> None:
    with pytest.raises(GitHubNotFoundError, match="reading the reviews of acme/infra#99"):
        await world.app.reviews(world.repo, 99)


async def test_whoever_made_a_commit_is_a_committer(world: World) -> None:
    pull = await opened(world)
    await world.github.push(REPO, "topic", {"b.tf": "# by another\n"}, author="owner2")

    assert await world.app.committers(world.repo, pull.number) == {"dev", "owner2"}


async def test_250_commits_may_not_be_all_and_are_an_error(
    scripted: ScriptedGitHub, app: GitHubApp, repo: Repo
) -> None:
    commit = {"author": {"login": "dev"}, "committer": None}
    pages = [Scripted(data=[commit] * size) for size in (100, 100, 50)]
    scripted.answer("GET", "/repos/acme/infra/pulls/7/commits", *pages)

    with pytest.raises(GitHubError, match="250 or more"):
        await app.committers(repo, 7)


async def test_people_whom_github_does_not_know_are_left_out(
    scripted: ScriptedGitHub, app: GitHubApp, repo: Repo
) -> None:
    commits = [{"author": None, "committer": {}}, {"author": {"login": "dev"}, "committer": None}]
    scripted.answer("GET", "/repos/acme/infra/pulls/7/commits", Scripted(data=commits))

    assert await app.committers(repo, 7) == {"dev"}


async def test_drafts_and_reviews_of_deleted_users_are_nobodys_opinion(
    scripted: ScriptedGitHub, app: GitHubApp, repo: Repo
) -> None:
    given = {"id": 1, "state": "APPROVED", "commit_id": None, "submitted_at": "2026-03-01T12:00:00Z"}
    draft = {"id": 2, "state": "PENDING", "user": {"login": "owner"}}
    scripted.answer(
        "GET",
        "/repos/acme/infra/pulls/7/reviews",
        Scripted(data=[{**given, "user": None}, draft, {**given, "user": {"login": "owner"}}]),
    )

    [told] = await app.reviews(repo, 7)

    assert (told.id, told.user, told.state, told.commit_id) == (1, "owner", "APPROVED", None)

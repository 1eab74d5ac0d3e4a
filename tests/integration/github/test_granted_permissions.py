"""What the App was not granted is said in a sentence, and costs nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from bot.adapters.github.credentials import Profile
from bot.domain.core.app_permissions import EVENTS, Access, app_permissions, holds
from bot.domain.core.errors import NotGrantedError
from bot.domain.core.model import Login, Sha
from bot.ports.issues import IssueText
from tests.integration.github.conftest import REPO, World

DRIFT = IssueText(title="staging drifted", body="<!-- drift -->", is_open=True)


def without(*names: str) -> dict[str, str]:
    return {name: level for name, level in app_permissions().items() if name not in names}


def take(world: World, *names: str) -> None:
    kept = without(*names)
    events = [event.name for event in EVENTS if event.permission in kept]
    world.github.change_app(permissions=kept, events=events)


def test_tokens_ask_for_no_more_than_the_app_has() -> None:
    asked = {(profile, name, level) for profile in Profile for name, level in profile.permissions.items()}

    assert {each for each in asked if not holds(app_permissions(), each[1], Access(each[2]))} == set()


def test_every_permission_is_asked_for_or_brings_an_event() -> None:
    asked = {name: set[str]() for name in app_permissions()}
    for profile in Profile:
        for name, level in profile.permissions.items():
            asked[name].add(level)
    for event in EVENTS:
        asked[event.permission].add(Access.READ.value)

    assert {name: level for name, level in app_permissions().items() if level not in asked[name]} == {}


async def test_the_tokens_of_commands_need_only_required_permissions(world: World) -> None:
    required = app_permissions(only_required=True)
    world.github.change_app(permissions=required, events=("pull_request", "issue_comment"))
    pull = await world.github.open_pull(REPO, author="dev", branch="f", files={"a.tf": "# new\n"})

    said = await world.app.comment(world.repo, pull.number, "hello")
    await world.app.react(world.repo, said.id, "rocket")
    token = await world.app.git_token(world.repo)

    assert token


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "issues",
            "acme has not granted the App Issues (write), so drift and failed data copies are not reported",
        ),
        (
            "members",
            "acme has not granted the App Members (read), so no team that `apply.allow` or CODEOWNERS",
        ),
        (
            "deployments",
            "acme has not granted the App Deployments (write), so GitHub's page Deployments does not",
        ),
        (
            "statuses",
            "acme has not granted the App one of Checks (read), Commit statuses (read), so the gate",
        ),
    ],
)
async def test_a_missing_permission_is_named_with_who_can_grant_it(
    world: World, name: str, words: str
) -> None:
    sha = Sha(await world.github.head(REPO, "main"))
    take(world, name)
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "issues": lambda: world.app.create_issue(world.repo, DRIFT, in_doubt=False),
        "members": lambda: world.app.is_team_member("acme", "platform", Login("dev")),
        "deployments": lambda: world.app.create_deployment(world.repo, sha, "staging", "x", in_doubt=False),
        "statuses": lambda: world.app.other_checks(world.repo, sha, "main"),
    }

    with pytest.raises(NotGrantedError) as caught:
        await calls[name]()

    assert words in str(caught.value)
    assert "an owner of acme must accept the App's requested permissions" in str(caught.value)


async def test_a_permission_that_is_granted_later_is_used_at_once(world: World) -> None:
    take(world, "issues")
    with pytest.raises(NotGrantedError):
        await world.app.create_issue(world.repo, DRIFT, in_doubt=False)

    world.github.change_app(permissions=app_permissions())
    world.github.accept_permissions("acme")

    assert await world.app.create_issue(world.repo, DRIFT, in_doubt=False) > 0


async def test_a_suspended_installation_is_named(world: World) -> None:
    world.github.suspend("acme", by="admin")

    with pytest.raises(
        NotGrantedError, match="the App is suspended on acme; an owner of acme must unsuspend it"
    ):
        await world.app.git_token(world.repo)


async def test_a_token_that_lost_a_permission_says_what_it_needs(world: World) -> None:
    pull = await world.github.open_pull(REPO, author="dev", branch="f", files={"a.tf": "# new\n"})
    await world.app.comment(world.repo, pull.number, "one")
    world.github.change_app(permissions={**app_permissions(), "pull_requests": "read", "issues": "read"})

    with pytest.raises(
        NotGrantedError, match="it needs issues=write; pull_requests=write; `gatewright doctor`"
    ):
        await world.app.comment(world.repo, pull.number, "two")

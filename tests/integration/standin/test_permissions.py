"""What permissions bring and refuse, as GitHub documents it."""

import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from bot.domain.core.app_permissions import app_events
from bot.playground.github import StandIn, StandInConfig
from bot.playground.github.grants import EVENT_NEEDS
from bot.playground.github.rest import ROUTES
from bot.playground.github.rest.call import Route

from .conftest import PERMISSIONS, REPO, Answer, World

R = f"/repos/{REPO}"
DOCUMENTED = {
    # docs.github.com, "Permissions required for GitHub Apps": any one of the permissions of a row is enough.
    "DELETE /repos/{owner}/{repo}/git/refs/{ref}": {"contents:write"},
    "DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}": {"issues:write", "pull_requests:write"},
    "DELETE /repos/{owner}/{repo}/issues/{issue_number}/labels/{name}": {
        "issues:write",
        "pull_requests:write",
    },
    "GET /orgs/{org}/teams/{team_slug}/members": {"members:read"},
    "GET /orgs/{org}/teams/{team_slug}/memberships/{username}": {"members:read"},
    # And `members:read`, for which the handler asks: both are needed.
    "GET /orgs/{org}/teams/{team_slug}/repos/{owner}/{repo}": {"metadata:read"},
    "GET /repos/{owner}/{repo}": {"metadata:read"},
    "GET /repos/{owner}/{repo}/activity": {"contents:read"},
    "GET /repos/{owner}/{repo}/branches/{branch}": {"contents:read"},
    "GET /repos/{owner}/{repo}/check-runs/{check_run_id}": {"checks:read"},
    "GET /repos/{owner}/{repo}/check-suites/{check_suite_id}": {"checks:read"},
    "GET /repos/{owner}/{repo}/codeowners/errors": {"contents:read"},
    "GET /repos/{owner}/{repo}/collaborators/{username}/permission": {"metadata:read"},
    "GET /repos/{owner}/{repo}/commits/{ref}": {"contents:read"},
    "GET /repos/{owner}/{repo}/commits/{ref}/check-runs": {"checks:read"},
    "GET /repos/{owner}/{repo}/commits/{ref}/check-suites": {"checks:read"},
    "GET /repos/{owner}/{repo}/commits/{ref}/status": {"statuses:read"},
    "GET /repos/{owner}/{repo}/compare/{basehead}": {"contents:read"},
    "GET /repos/{owner}/{repo}/contents/{path}": {"contents:read"},
    "GET /repos/{owner}/{repo}/deployments": {"deployments:read"},
    "GET /repos/{owner}/{repo}/git/commits/{commit_sha}": {"contents:read"},
    "GET /repos/{owner}/{repo}/git/ref/{ref}": {"contents:read"},
    "GET /repos/{owner}/{repo}/git/trees/{tree_sha}": {"contents:read"},
    "GET /repos/{owner}/{repo}/issues": {"issues:read"},
    "GET /repos/{owner}/{repo}/issues/comments/{comment_id}": {"issues:read", "pull_requests:read"},
    "GET /repos/{owner}/{repo}/issues/{issue_number}": {"issues:read"},
    "GET /repos/{owner}/{repo}/issues/{issue_number}/comments": {"issues:read", "pull_requests:read"},
    "GET /repos/{owner}/{repo}/pulls": {"pull_requests:read"},
    "GET /repos/{owner}/{repo}/pulls/{pull_number}": {"contents:read", "pull_requests:read"},
    "GET /repos/{owner}/{repo}/pulls/{pull_number}/commits": {"pull_requests:read"},
    "GET /repos/{owner}/{repo}/pulls/{pull_number}/files": {"pull_requests:read"},
    "GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews": {"pull_requests:read"},
    "GET /repos/{owner}/{repo}/rules/branches/{branch}": {"metadata:read"},
    "PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}": {"checks:write"},
    "PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}": {"issues:write", "pull_requests:write"},
    # Documented for either, but the stand-in changes plain issues alone here, which `pull_requests` does not reach.
    "PATCH /repos/{owner}/{repo}/issues/{issue_number}": {"issues:write"},
    "PATCH /repos/{owner}/{repo}/pulls/{pull_number}": {"pull_requests:write"},
    "POST /repos/{owner}/{repo}/actions/runs/{run_id}/deployment_protection_rule": {"deployments:write"},
    "POST /repos/{owner}/{repo}/check-runs": {"checks:write"},
    "POST /repos/{owner}/{repo}/check-runs/{check_run_id}/rerequest": {"checks:write"},
    "POST /repos/{owner}/{repo}/check-suites/{check_suite_id}/rerequest": {"checks:write"},
    "POST /repos/{owner}/{repo}/deployments": {"deployments:write"},
    "POST /repos/{owner}/{repo}/deployments/{deployment_id}/statuses": {"deployments:write"},
    "POST /repos/{owner}/{repo}/git/refs": {"contents:write"},
    "POST /repos/{owner}/{repo}/issues": {"issues:write"},
    # Documented for `issues`; on a pull request `pull_requests` is needed and enough (github/docs#43843).
    "POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions": {
        "issues:write",
        "pull_requests:write",
    },
    "POST /repos/{owner}/{repo}/issues/{issue_number}/comments": {"issues:write", "pull_requests:write"},
    "POST /repos/{owner}/{repo}/issues/{issue_number}/labels": {"issues:write", "pull_requests:write"},
    "POST /repos/{owner}/{repo}/pulls": {"pull_requests:write"},
    "POST /repos/{owner}/{repo}/statuses/{sha}": {"statuses:write"},
    "PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge": {"contents:write"},
    "PUT /repos/{owner}/{repo}/pulls/{pull_number}/update-branch": {"pull_requests:write"},
}
BY_PEOPLE = {
    # What people do with tokens of their own, which have roles and no permissions.
    "GET /orgs/{org}",
    "POST /orgs/{org}/repos",
    "POST /repos/{owner}/{repo}/pulls/{pull_number}/reviews",
    "PUT /repos/{owner}/{repo}/collaborators/{username}",
}
BY_APP_OR_USER = ("/app", "/apps/", "/installation/", "/meta", "/rate_limit", "/user", "/users/")


def named(route: Route) -> str:
    path = route.described.replace(":.+}", "}").replace(":.*}", "}")
    return f"{route.method} {path}"


def dummy(route: Route) -> str:
    path = route.path.replace(":.+}", "}").replace(":.*}", "}").replace("{owner}/{repo}", REPO)
    path = path.replace("{org}", "acme").replace("{team_slug}", "platform")
    return re.sub(r"\{\w+\}", "1", path)


def levels(needs: set[str]) -> dict[str, str]:
    return dict(need.split(":") for need in needs)


def test_each_operation_needs_what_github_documents() -> None:
    about_repositories = [
        route
        for route in ROUTES
        if not route.path.startswith(BY_APP_OR_USER) and not route.path.endswith("/installation")
    ]

    found = {named(route): set(route.accepts) for route in about_repositories}

    judged = {name: needs for name, needs in found.items() if name not in BY_PEOPLE}
    assert judged == {name: DOCUMENTED.get(name) for name in judged}


async def test_each_operation_refuses_a_token_without_its_permission(world: World) -> None:
    held = dict(world.github.config.app_permissions)
    routes = [route for route in ROUTES if route.accepts and route.accepts != ("metadata:read",)]

    for route in routes:
        needed = levels(set(route.accepts))
        lower = {area: "read" for area, level in needed.items() if level == "write" and area in held}
        others = {area: level for area, level in held.items() if area not in needed}
        bot = await world.bot(permissions={**others, **lower})
        answer = await bot.call(route.method, dummy(route))

        assert (named(route), answer.status) == (named(route), 403)
        assert answer.body["message"] == "Resource not accessible by integration"
        expected = "; ".join(need.replace(":", "=") for need in route.accepts)
        assert answer.headers["X-Accepted-GitHub-Permissions"] == expected
    assert len(routes) > 30


async def test_what_a_token_may_not_see_is_not_found(world: World) -> None:
    await world.github.create_repo("acme/other")
    bot = await world.bot(repositories=["infra"])

    answer = await bot.get("/repos/acme/other/pulls")

    assert answer.status == 404
    assert answer.body["message"] == "Not Found"


@pytest.mark.parametrize(("area", "on_pull", "on_issue"), [("pull_requests", 201, 403), ("issues", 403, 201)])
async def test_reactions_need_the_permission_of_their_thread(
    world: World, area: str, on_pull: int, on_issue: int
) -> None:
    pull = await world.github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    issue = (await world.user("dev").post(f"{R}/issues", {"title": "drift"})).body["number"]
    said = await world.github.comment(REPO, pull.number, author="dev", body="/plan")
    noted = (await world.user("dev").post(f"{R}/issues/{issue}/comments", {"body": "x"})).body["id"]
    bot = await world.bot(permissions={area: "write"})

    answers = [
        await bot.post(f"{R}/issues/comments/{comment}/reactions", {"content": "eyes"})
        for comment in (said.id, noted)
    ]

    assert [each.status for each in answers] == [on_pull, on_issue]


async def access_token(world: World, **narrow: Any) -> Answer:
    number = world.github.installation("acme").id
    return await world.app().post(f"/app/installations/{number}/access_tokens", narrow)


async def test_new_permissions_wait_for_each_installation(world: World) -> None:
    github = world.github
    github.change_app(permissions=without("merge_queues"), events=app_events(without("merge_queues")))

    # The App asks for more, and for an event that comes with it;
    github.change_app(permissions=PERMISSIONS, events=app_events())
    await queue_a_pull(world, "one")
    refused = await access_token(world, permissions={"merge_queues": "read"})

    # the installation has neither, although the App itself has,
    app = (await world.app().get("/app")).body
    [listed] = (await world.app().get("/app/installations")).body
    assert "merge_queues" in app["permissions"]
    assert "merge_group" in app["events"]
    assert "merge_queues" not in listed["permissions"]
    assert "merge_group" not in listed["events"]
    assert refused.status == 422
    assert refused.body["message"] == "The permissions requested are not granted to this installation."
    assert "merge_group.checks_requested" not in world.receiver.events()

    # until an owner of the account accepts them.
    github.accept_permissions("acme", by="admin")
    await queue_a_pull(world, "two")
    given = await access_token(world, permissions={"merge_queues": "read"})

    assert given.status == 201
    assert world.receiver.events().count("merge_group.checks_requested") == 1
    told = world.receiver.last("installation.new_permissions_accepted").body
    assert told["installation"]["permissions"] == PERMISSIONS


async def test_a_playground_of_an_older_version_accepts_what_is_new(world: World, tmp_path: Path) -> None:
    world.github.change_app(permissions=without("statuses"), events=app_events(without("statuses")))
    world.github.save()
    config = StandInConfig(state_dir=world.github.config.state_dir, app_permissions=PERMISSIONS)
    newer = StandIn(config)

    newer.accept_everywhere()

    assert newer.installation("acme").permissions == PERMISSIONS
    assert "status" in newer.installation("acme").events


async def test_permissions_that_the_app_gives_up_are_gone_at_once(world: World) -> None:
    bot = await world.bot()
    assert (await bot.post(f"{R}/issues", {"title": "drift"})).status == 201

    world.github.change_app(permissions={**PERMISSIONS, "issues": "read"})

    refused = await bot.post(f"{R}/issues", {"title": "drift"})
    listed = await bot.get(f"{R}/issues")
    assert (refused.status, listed.status) == (403, 200)


async def test_only_subscribed_events_are_sent(world: World) -> None:
    world.github.change_app(events=("pull_request",))
    await world.github.settled()
    before = len(world.receiver.received)

    pull = await world.github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    await world.github.comment(REPO, pull.number, author="dev", body="/plan")
    await world.github.review(REPO, pull.number, author="owner", state="approved")
    await world.github.settled()

    assert world.receiver.events()[before:] == ["pull_request.opened"]


async def test_buttons_are_pressed_in_vain_without_write_access_to_checks(world: World) -> None:
    pull = await world.github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    check = {
        "name": "gatewright/plan",
        "head_sha": pull.head_sha,
        "status": "completed",
        "conclusion": "success",
    }
    run = (await (await world.bot()).post(f"{R}/check-runs", check)).body["id"]
    world.github.change_app(permissions={**PERMISSIONS, "checks": "read"})

    await world.github.rerequest(run, author="dev")
    await world.github.settled()

    seen = world.receiver.events()
    assert "check_run.created" in seen
    assert "check_run.rerequested" not in seen


async def test_a_suspended_installation_gets_no_token_and_no_event(world: World) -> None:
    bot = await world.bot()
    world.github.suspend("acme", by="admin")

    asked = await access_token(world)
    used = await bot.get(R)
    told = await world.app().get(f"{R}/installation")
    await world.github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    await world.github.settled()

    assert (asked.status, used.status, told.status) == (403, 403, 200)
    assert asked.body["message"] == used.body["message"] == "This installation has been suspended"
    assert told.body["suspended_by"]["login"] == "admin"
    assert told.body["suspended_at"] is not None
    assert "pull_request.opened" not in world.receiver.events()

    world.github.unsuspend("acme", by="admin")
    assert (await bot.get(R)).status == 200


@pytest.mark.parametrize(
    ("permissions", "events", "sentence"),
    [
        (
            {"metadata": "read"},
            ("merge_group",),
            "Default events are not supported by permissions: merge_group",
        ),
        ({"metadata": "read"}, ("installation",), "Default events unsupported: installation"),
    ],
    ids=["a permission is missing", "no event to subscribe to"],
)
def test_an_app_cannot_subscribe_to_what_it_may_not_have(
    tmp_path: Path, permissions: dict[str, str], events: tuple[str, ...], sentence: str
) -> None:
    config = StandInConfig(state_dir=tmp_path, app_permissions=permissions, app_events=events)

    with pytest.raises(ValueError, match=sentence):
        StandIn(config)


async def test_the_configuration_of_the_webhook_hides_its_secret(world: World) -> None:
    told = await world.app().get("/app/hook/config")
    refused = await (await world.bot()).get("/app/hook/config")
    world.github.hooks.secret = ""
    without_secret = await world.app().get("/app/hook/config")

    assert told.body == {
        "url": world.receiver.url,
        "content_type": "json",
        "insecure_ssl": "0",
        "secret": "********",
    }
    assert refused.status == 401
    assert "secret" not in without_secret.body


async def test_a_webhook_of_forms_is_signed_as_it_is_sent(world: World) -> None:
    world.github.hooks.content_type = "form"
    world.github.ping()
    await world.github.settled()

    [ping] = world.receiver.received[-1:]
    key = world.github.hooks.secret.encode()
    signature = "sha256=" + hmac.new(key, ping.raw, hashlib.sha256).hexdigest()
    assert ping.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert ping.headers["X-Hub-Signature-256"] == signature
    assert json.loads(parse_qs(ping.raw.decode())["payload"][0])["hook"]["config"]["content_type"] == "form"


def test_the_apps_events_all_have_their_permission_at_github() -> None:
    assert set(app_events()) <= set(EVENT_NEEDS)


def without(name: str) -> dict[str, str]:
    return {held: level for held, level in PERMISSIONS.items() if held != name}


async def queue_a_pull(world: World, branch: str) -> None:
    pull = await world.github.open_pull(REPO, author="dev", branch=branch, files={branch: "1\n"})
    await world.github.queue(REPO, pull.number, author="owner")
    await world.github.settled()

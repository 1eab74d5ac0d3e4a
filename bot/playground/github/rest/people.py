"""Collaborators, teams, code owners, the signed-in user, and the service's own data."""

from typing import Any

from bot.playground.github.actions.codeowners import LOCATIONS, errors_in
from bot.playground.github.errors import ApiError, forbidden, not_found
from bot.playground.github.records.model import Role
from bot.playground.github.records.times import stamp
from bot.playground.github.rest.call import Call, Reply, Route
from bot.playground.github.rest.teams import team_of
from bot.playground.github.shapes.accounts import (
    app_json,
    collaborator_json,
    installation_json,
    membership_json,
    user_json,
)
from bot.playground.github.shapes.repos import full_repo_json

Json = dict[str, Any]


async def get_permission(call: Call) -> Reply:
    """GET /repos/{owner}/{repo}/collaborators/{username}/permission."""
    repo, login = call.repo(), call.params["username"]
    account = call.hub.state.data.accounts.get(login.lower())
    if account is None or account.type != "User":
        raise ApiError(404, f"{login} is not a user")
    role = call.hub.state.role(repo, account.login)
    user = collaborator_json(call.hub, account.login, role)
    return Reply(body={"permission": role.legacy, "role_name": role.value, "user": user})


async def get_membership(call: Call) -> Reply:
    """GET /orgs/{org}/teams/{team_slug}/memberships/{username}."""
    team = team_of(call)
    account = call.hub.state.data.accounts.get(call.params["username"].lower())
    if account is None or (account.login not in team.members and account.login not in team.pending):
        raise not_found()
    return Reply(body=membership_json(call.hub, team, account.login))


async def list_members(call: Call) -> Reply:
    """GET /orgs/{org}/teams/{team_slug}/members."""
    team = team_of(call)
    role = call.query.get("role", "all")
    found = [login for login, held in team.members.items() if role in {"all", held}]
    return call.paged(found, lambda login: user_json(call.hub, login))


async def codeowners_errors(call: Call) -> Reply:
    """GET /repos/{owner}/{repo}/codeowners/errors."""
    repo = call.repo()
    ref = call.query.get("ref") or repo.default_branch
    for path in LOCATIONS:
        content = await call.hub.git(repo).read(ref, path)
        if content is not None:
            return Reply(body={"errors": errors_in(call.hub, repo, path, content.decode(errors="replace"))})
    raise not_found()


def _user(call: Call) -> str:
    if call.who.user is None:
        raise forbidden() if call.who.installation else ApiError(401, "Requires authentication")
    return call.who.user


async def get_user(call: Call) -> Reply:
    """GET /user; not in the described subset."""
    login = _user(call)
    account = call.hub.state.account(login)
    when = stamp(account.created_at)
    more = {"name": account.name, "email": None, "created_at": when, "updated_at": when}
    return Reply(body={**user_json(call.hub, login), **more})


async def list_user_repos(call: Call) -> Reply:
    """GET /user/repos; not in the described subset."""
    login = _user(call)
    state = call.hub.state
    found = [
        repo
        for repo in state.data.repos.values()
        if login in repo.collaborators or state.role(repo, login).at_least(Role.TRIAGE)
    ]
    return call.paged(found, lambda repo: full_repo_json(call.hub, repo, state.role(repo, login)))


async def list_user_installations(call: Call) -> Reply:
    """GET /user/installations; not in the described subset."""
    login = _user(call)
    state = call.hub.state
    owners = {
        repo.owner
        for repo in state.data.repos.values()
        if repo.installed and state.role(repo, login).at_least(Role.READ)
    }
    found = [each for each in state.data.installations.values() if each.account in owners]
    some, headers = call.page(found)
    shapes = [installation_json(call.hub, each) for each in some]
    return Reply(body={"total_count": len(found), "installations": shapes}, headers=headers)


async def get_any_user(call: Call) -> Reply:
    """GET /users/{username}; not in the described subset."""
    account = call.hub.state.account(call.params["username"])
    return Reply(body={**user_json(call.hub, account.login), "name": account.name})


async def get_public_app(call: Call) -> Reply:
    """GET /apps/{slug}; not in the described subset."""
    if call.params["slug"] != call.hub.config.app_slug:
        raise not_found()
    return Reply(body=app_json(call.hub))


async def get_rate_limit(call: Call) -> Reply:
    """GET /rate_limit."""
    numbers = call.hub.limits.numbers(call.who.name)
    return Reply(body={"resources": {"core": numbers, "search": numbers}, "rate": numbers})


async def get_meta(_call: Call) -> Reply:
    """GET /meta; hooks come from this machine."""
    local = ["127.0.0.1/32"]
    lists: Json = dict.fromkeys(("hooks", "web", "api", "git"), local)
    return Reply(body={"verifiable_password_authentication": False, **lists})


_REPO = "/repos/{owner}/{repo}"
_TEAM = "/orgs/{org}/teams/{team_slug}"
_MEMBERS = ("members:read",)
ROUTES = (
    Route(
        method="GET",
        path=f"{_REPO}/collaborators/{{username}}/permission",
        handler=get_permission,
        needs=("metadata:read",),
    ),
    Route(method="GET", path=f"{_TEAM}/memberships/{{username}}", handler=get_membership, checked=_MEMBERS),
    Route(method="GET", path=f"{_TEAM}/members", handler=list_members, checked=_MEMBERS),
    Route(
        method="GET",
        path=f"{_REPO}/codeowners/errors",
        handler=codeowners_errors,
        needs=("contents:read",),
    ),
    Route(method="GET", path="/user", handler=get_user),
    Route(method="GET", path="/user/repos", handler=list_user_repos),
    Route(method="GET", path="/user/installations", handler=list_user_installations),
    Route(method="GET", path="/users/{username}", handler=get_any_user),
    Route(method="GET", path="/apps/{slug}", handler=get_public_app),
    Route(method="GET", path="/rate_limit", handler=get_rate_limit),
    Route(method="GET", path="/meta", handler=get_meta),
)

"""The access of a team to a repository."""

from __future__ import annotations

from typing import Any

from bot.playground.github.errors import forbidden, not_found
from bot.playground.github.grants import grants
from bot.playground.github.hub import Hub
from bot.playground.github.records.model import Repo, Role, Team
from bot.playground.github.rest.call import Call, Reply, Route
from bot.playground.github.shapes.accounts import permission_flags
from bot.playground.github.shapes.repos import repo_json

REPOSITORY_MEDIA = "application/vnd.github.v3.repository+json"


def team_of(call: Call) -> Team:
    """The team, for callers that may read the organisation's members."""
    org = call.hub.state.account(call.params["org"])
    if call.who.installation is not None:
        if not grants(call.who.permissions, "members:read"):
            raise forbidden()
        if call.who.installation.account != org.login:
            raise not_found()
    elif call.who.user not in org.members:
        raise not_found()
    found = call.hub.state.data.teams.get(f"{org.login}/{call.params['team_slug']}".lower())
    if found is None:
        raise not_found()
    return found


async def get_access(call: Call) -> Reply:
    """GET /orgs/{org}/teams/{team_slug}/repos/{owner}/{repo}: a team's permission.

    404 without access; 204 with it, or 200 with the rights where the media type asks for them.
    """
    team = team_of(call)
    repo = call.repo()
    role = repo.team_roles.get(team.slug, Role.NONE)
    if role is Role.NONE or team.org != repo.owner:
        raise not_found()
    if REPOSITORY_MEDIA not in call.accept:
        return Reply(status=204)
    return Reply(body=_team_repository(call.hub, repo, role))


def _team_repository(hub: Hub, repo: Repo, role: Role) -> dict[str, Any]:
    return {
        **{key: value for key, value in repo_json(hub, repo).items() if key != "has_discussions"},
        "permissions": permission_flags(role),
        "role_name": role.value,
    }


ROUTES = (
    Route(
        method="GET",
        path="/orgs/{org}/teams/{team_slug}/repos/{owner}/{repo}",
        handler=get_access,
        needs=("metadata:read",),
    ),
)

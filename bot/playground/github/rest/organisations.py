"""What an owner does with their own token; not in the described subset."""

from __future__ import annotations

from typing import Any

from bot.playground.github.actions import accounts, repos
from bot.playground.github.actions.comments import submit_review
from bot.playground.github.errors import ApiError, forbidden, not_found
from bot.playground.github.records.model import Account, Role
from bot.playground.github.rest.call import Body, Call, Reply, Route
from bot.playground.github.shapes.accounts import organization_json
from bot.playground.github.shapes.repos import full_repo_json
from bot.playground.github.shapes.threads import review_json

_EVENTS = {"APPROVE": "approved", "REQUEST_CHANGES": "changes_requested", "COMMENT": "commented"}
_RIGHTS = {"pull": Role.READ, "push": Role.WRITE}


def _organisation(call: Call) -> Account:
    found = call.hub.state.account(call.params["org"])
    if found.type != "Organization":
        raise not_found()
    return found


async def get_organisation(call: Call) -> Reply:
    """GET /orgs/{org}, with the count of repositories; private ones for members alone."""
    org = _organisation(call)
    owned = [repo for repo in call.hub.state.data.repos.values() if repo.owner == org.login]
    body: dict[str, Any] = {
        **organization_json(call.hub, org),
        "public_repos": sum(not repo.private for repo in owned),
        "type": org.type,
    }
    if call.who.user in org.members:
        body["total_private_repos"] = sum(repo.private for repo in owned)
    return Reply(body=body)


class RepositoryBody(Body):
    """A new repository."""

    name: str
    private: bool = False
    auto_init: bool = False


async def create_repository(call: Call) -> Reply:
    """POST /orgs/{org}/repos, by an owner; the App is installed on all of them."""
    org = _organisation(call)
    user = call.who.user
    if user is None or org.members.get(user) != "admin":
        raise forbidden()
    wanted = call.parse(RepositoryBody)
    repo = await repos.create_repo(call.hub, f"{org.login}/{wanted.name}", files={}, private=wanted.private)
    return Reply(status=201, body=full_repo_json(call.hub, repo, Role.ADMIN))


class RightBody(Body):
    """The right of a collaborator."""

    permission: str = "push"


async def add_collaborator(call: Call) -> Reply:
    """PUT /repos/{owner}/{repo}/collaborators/{username}; members need no invitation."""
    repo = call.repo()
    if call.who.user is None or not call.hub.state.role(repo, call.who.user).at_least(Role.ADMIN):
        raise forbidden()
    wanted = call.parse(RightBody).permission
    role = _RIGHTS.get(wanted) or next((each for each in Role if each.value == wanted), None)
    if role is None:
        raise ApiError(422, f"{wanted} is not a valid permission", errors=[])
    accounts.set_permission(call.hub, repo, call.params["username"], role)
    return Reply(status=204)


class ReviewBody(Body):
    """A review that is submitted at once."""

    event: str
    body: str = ""
    commit_id: str | None = None


async def create_review(call: Call) -> Reply:
    """POST /repos/{owner}/{repo}/pulls/{pull_number}/reviews."""
    repo = call.repo()
    pull = repo.pulls.get(call.number("pull_number"))
    if pull is None:
        raise not_found()
    wanted = call.parse(ReviewBody)
    review = submit_review(
        call.hub,
        repo,
        pull,
        author=call.actor,
        state=_EVENTS.get(wanted.event, wanted.event),
        body=wanted.body,
        commit=wanted.commit_id,
    )
    return Reply(body=review_json(call.hub, repo, review))


_REPO = "/repos/{owner}/{repo}"
ROUTES = (
    Route(method="GET", path="/orgs/{org}", handler=get_organisation),
    Route(method="POST", path="/orgs/{org}/repos", handler=create_repository, content=True),
    Route(
        method="PUT",
        path=f"{_REPO}/collaborators/{{username}}",
        handler=add_collaborator,
        needs=("metadata:read",),
    ),
    Route(
        method="POST",
        path=f"{_REPO}/pulls/{{pull_number}}/reviews",
        handler=create_review,
        needs=("pull_requests:read",),
        content=True,
    ),
)

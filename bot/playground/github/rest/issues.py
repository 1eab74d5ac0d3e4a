"""Issues, comments, reactions and labels."""

from typing import Annotated, Literal
from urllib.parse import unquote

from pydantic import Field

from bot.playground.github.actions import comments as acts
from bot.playground.github.actions.pulls import set_labels
from bot.playground.github.errors import ApiError, forbidden, not_found
from bot.playground.github.grants import grants
from bot.playground.github.records.model import Comment, Issue, Pull, Repo, Role
from bot.playground.github.records.times import parse_stamp
from bot.playground.github.rest.call import Body, Call, Reply, Route
from bot.playground.github.shapes.threads import (
    comment_json,
    issue_json,
    labels_json,
    reaction_json,
    thread_comments,
)

READ = ("issues:read", "pull_requests:read")
WRITE = ("issues:write", "pull_requests:write")


def _require_area(call: Call, issue: Issue, level: str = "write") -> None:
    """A plain issue needs `issues`: `pull_requests` reaches pull requests only."""
    if call.who.installation is None or isinstance(issue, Pull) or call.is_public_read(level):
        return
    if not grants(call.who.permissions, f"issues:{level}"):
        raise forbidden()


def _comment(call: Call, repo: Repo, level: str = "write") -> Comment:
    """The comment of the path, for a caller whose permissions reach its thread."""
    comment = acts.comment_of(call.hub, repo, call.number("comment_id"))
    _require_area(call, acts.thread(repo, comment.number), level)
    return comment


def _may_change(call: Call, repo: Repo, comment: Comment) -> None:
    """Apps and people change their own comments; writers change everybody's."""
    if call.via_app or comment.author == call.who.user:
        return
    if not call.auth.role(call.who, repo).at_least(Role.WRITE):
        raise ApiError(403, "Must have admin rights to Repository.")


async def get_issue(call: Call) -> Reply:
    """GET /repos/{owner}/{repo}/issues/{issue_number}."""
    repo = call.repo()
    return Reply(body=issue_json(call.hub, repo, acts.thread(repo, call.number("issue_number"))))


async def list_comments(call: Call) -> Reply:
    """GET /repos/{owner}/{repo}/issues/{issue_number}/comments."""
    repo = call.repo()
    issue = acts.thread(repo, call.number("issue_number"))
    _require_area(call, issue, "read")
    found = thread_comments(call.hub, repo, issue.number)
    since = call.query.get("since")
    if since:
        try:
            start = parse_stamp(since)
        except ValueError as error:
            raise ApiError(422, "since is not a date-time", errors=[]) from error
        found = [comment for comment in found if comment.updated_at >= start]
    return call.paged(found, lambda comment: comment_json(call.hub, repo, comment))


class CommentBody(Body):
    """A comment's text; its length is judged later, since GitHub answers that in other words."""

    body: str


async def create_comment(call: Call) -> Reply:
    """POST /repos/{owner}/{repo}/issues/{issue_number}/comments."""
    repo = call.repo()
    number = call.number("issue_number")
    _require_area(call, acts.thread(repo, number))
    body = call.parse(CommentBody).body
    comment = acts.add_comment(call.hub, repo, number, author=call.actor, body=body, via_app=call.via_app)
    shape = comment_json(call.hub, repo, comment)
    return Reply(status=201, body=shape, headers={"Location": shape["url"]})


async def get_comment(call: Call) -> Reply:
    """GET /repos/{owner}/{repo}/issues/comments/{comment_id}."""
    repo = call.repo()
    comment = _comment(call, repo, "read")
    return Reply(body=comment_json(call.hub, repo, comment))


async def update_comment(call: Call) -> Reply:
    """PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}."""
    repo = call.repo()
    comment = _comment(call, repo)
    _may_change(call, repo, comment)
    body = call.parse(CommentBody).body
    acts.edit_comment(call.hub, repo, comment, body=body, by=call.actor)
    return Reply(body=comment_json(call.hub, repo, comment))


async def delete_comment(call: Call) -> Reply:
    """DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}."""
    repo = call.repo()
    comment = _comment(call, repo)
    _may_change(call, repo, comment)
    acts.delete_comment(call.hub, repo, comment, by=call.actor)
    return Reply(status=204)


class ReactionBody(Body):
    """One of GitHub's eight."""

    content: Literal["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"]


async def create_reaction(call: Call) -> Reply:
    """POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions."""
    repo = call.repo()
    comment = _comment(call, repo)
    # Documented for `issues` alone, but it is the thread that decides: on a pull request `pull_requests` is needed
    # and enough (MakieOrg/Makie.jl#5644, github/docs#43843).
    is_pull = isinstance(acts.thread(repo, comment.number), Pull)
    if call.who.installation is not None and is_pull and not grants(call.who.permissions, WRITE[1]):
        raise forbidden()
    content = call.parse(ReactionBody).content
    reaction, fresh = acts.react(call.hub, comment, author=call.actor, content=content)
    return Reply(status=201 if fresh else 200, body=reaction_json(call.hub, reaction))


class NamedLabel(Body):
    """A label by name, with GitHub's optional reasoning."""

    name: str
    rationale: str | None = None
    suggest: bool | None = None
    confidence: Literal["low", "medium", "high"] | None = None


class LabelsBody(Body):
    """Labels to add."""

    labels: Annotated[list[str | NamedLabel], Field(min_length=1)]


async def add_labels(call: Call) -> Reply:
    """POST /repos/{owner}/{repo}/issues/{issue_number}/labels."""
    repo = call.repo()
    issue = acts.thread(repo, call.number("issue_number"))
    wanted = call.parse(LabelsBody).labels
    names = [each if isinstance(each, str) else each.name for each in wanted]
    await _set(call, repo, issue, list(dict.fromkeys([*issue.labels, *names])))
    return Reply(body=labels_json(call.hub, repo, issue))


async def remove_label(call: Call) -> Reply:
    """DELETE /repos/{owner}/{repo}/issues/{issue_number}/labels/{name}."""
    repo = call.repo()
    issue = acts.thread(repo, call.number("issue_number"))
    name = unquote(call.params["name"])
    if name not in issue.labels:
        raise ApiError(404, "Label does not exist")
    await _set(call, repo, issue, [each for each in issue.labels if each != name])
    return Reply(body=labels_json(call.hub, repo, issue))


async def _set(call: Call, repo: Repo, issue: Issue, names: list[str]) -> None:
    if not isinstance(issue, Pull):
        raise not_found()
    await set_labels(call.hub, repo, issue, names, by=call.actor)


_REPO = "/repos/{owner}/{repo}"
_COMMENT = f"{_REPO}/issues/comments/{{comment_id}}"
_ISSUE = f"{_REPO}/issues/{{issue_number}}"
ROUTES = (
    Route(method="GET", path=_COMMENT, handler=get_comment, needs=READ),
    Route(method="PATCH", path=_COMMENT, handler=update_comment, needs=WRITE),
    Route(method="DELETE", path=_COMMENT, handler=delete_comment, needs=WRITE),
    Route(method="POST", path=f"{_COMMENT}/reactions", handler=create_reaction, needs=WRITE),
    Route(method="GET", path=_ISSUE, handler=get_issue, needs=("issues:read",)),
    Route(method="GET", path=f"{_ISSUE}/comments", handler=list_comments, needs=READ),
    Route(method="POST", path=f"{_ISSUE}/comments", handler=create_comment, needs=WRITE, content=True),
    Route(method="POST", path=f"{_ISSUE}/labels", handler=add_labels, needs=WRITE),
    Route(method="DELETE", path=f"{_ISSUE}/labels/{{name}}", handler=remove_label, needs=WRITE),
)

"""Issues that are not pull requests: open, change, list."""

from typing import Literal

from bot.playground.github.actions.comments import BODY_LIMIT, thread
from bot.playground.github.actions.pulls import DEFAULT_LABEL_COLOR, next_number
from bot.playground.github.errors import invalid, not_found
from bot.playground.github.records.model import Issue, Label, Pull, Repo
from bot.playground.github.rest.call import Body, Call, Reply, Route
from bot.playground.github.shapes.threads import issue_json


class NewIssue(Body):
    """A new issue."""

    title: str
    body: str | None = None
    labels: list[str] | None = None
    assignees: list[str] | None = None


class IssueChanges(Body):
    """What of an issue can be changed."""

    title: str | None = None
    body: str | None = None
    state: Literal["open", "closed"] | None = None
    state_reason: Literal["completed", "not_planned", "reopened"] | None = None
    labels: list[str] | None = None


def _set_labels(call: Call, repo: Repo, issue: Issue, names: list[str]) -> None:
    for name in names:
        fresh = Label(id=call.hub.state.large_id(), name=name, color=DEFAULT_LABEL_COLOR)
        repo.labels.setdefault(name, fresh)
    issue.labels = list(dict.fromkeys(names))


async def create_issue(call: Call) -> Reply:
    """POST /repos/{owner}/{repo}/issues."""
    repo = call.repo()
    wanted = call.parse(NewIssue)
    if len(wanted.body or "") > BODY_LIMIT:
        raise invalid("Issue", "body", f"body is too long (maximum is {BODY_LIMIT} characters)")
    now = call.hub.clock()
    number = call.hub.state.large_id()
    issue = Issue(
        id=number,
        issue_id=number,
        number=next_number(repo),
        author=call.actor,
        title=wanted.title,
        body=wanted.body,
        via_app=call.via_app,
        created_at=now,
        updated_at=now,
    )
    repo.issues[issue.number] = issue
    _set_labels(call, repo, issue, wanted.labels or [])
    call.hub.state.changed()
    shape = issue_json(call.hub, repo, issue)
    return Reply(status=201, body=shape, headers={"Location": shape["url"]})


async def update_issue(call: Call) -> Reply:
    """PATCH /repos/{owner}/{repo}/issues/{issue_number}; pull requests are changed elsewhere."""
    repo = call.repo()
    issue = thread(repo, call.number("issue_number"))
    if isinstance(issue, Pull):
        raise not_found()
    wanted = call.parse(IssueChanges)
    now = call.hub.clock()
    issue.title = wanted.title or issue.title
    issue.body = issue.body if wanted.body is None else wanted.body
    if wanted.labels is not None:
        _set_labels(call, repo, issue, wanted.labels)
    if wanted.state is not None and wanted.state != issue.state:
        issue.state = wanted.state
        issue.closed_at = now if wanted.state == "closed" else None
    issue.updated_at = now
    call.hub.state.changed()
    return Reply(body=issue_json(call.hub, repo, issue))


async def list_issues(call: Call) -> Reply:
    """GET /repos/{owner}/{repo}/issues, newest first, with pull requests among them."""
    repo, query = call.repo(), call.query
    state, creator = query.get("state", "open"), query.get("creator")
    labels = {name for name in query.get("labels", "").split(",") if name}
    found = [
        issue
        for issue in (*repo.issues.values(), *repo.pulls.values())
        if state in {"all", issue.state} and creator in {None, issue.author} and labels <= set(issue.labels)
    ]
    found.sort(key=lambda issue: issue.number, reverse=True)
    return call.paged(found, lambda issue: issue_json(call.hub, repo, issue))


_LIST = "/repos/{owner}/{repo}/issues"
ROUTES = (
    Route(method="GET", path=_LIST, handler=list_issues, needs=("issues:read",)),
    Route(method="POST", path=_LIST, handler=create_issue, needs=("issues:write",), content=True),
    Route(
        method="PATCH",
        path=f"{_LIST}/{{issue_number}}",
        handler=update_issue,
        needs=("issues:write",),
    ),
)

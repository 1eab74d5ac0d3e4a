"""Pull requests: list, open, read, files, reviews, merge."""

from typing import Literal

from bot.playground.github.actions import pulls as acts
from bot.playground.github.actions.comments import reviews_of
from bot.playground.github.errors import ApiError, invalid, not_found
from bot.playground.github.records.model import Pull, Repo
from bot.playground.github.rest.call import Body, Call, Reply, Route
from bot.playground.github.shapes.commits import commit_json, file_json
from bot.playground.github.shapes.pulls import pull_json, pull_simple_json
from bot.playground.github.shapes.threads import review_json

READ = ("pull_requests:read",)
WRITE = ("pull_requests:write",)
FILES_MOST = 3000


def _pull(call: Call) -> tuple[Repo, Pull]:
    repo = call.repo()
    pull = repo.pulls.get(call.number("pull_number"))
    if pull is None:
        raise not_found()
    return repo, pull


def _shown(call: Call, repo: Repo, pull: Pull) -> Pull | None:
    """Return a pull request as REST shows it now, maybe an older one; None for a fresh one."""
    return call.hub.lag.shown((repo.full_name, pull.number), pull)


async def list_pulls(call: Call) -> Reply:
    """GET /repos/{owner}/{repo}/pulls."""
    repo, query = call.repo(), call.query
    shown = [_shown(call, repo, pull) for pull in repo.pulls.values()]
    state, head, base = query.get("state", "open"), query.get("head"), query.get("base")
    found = [
        pull
        for pull in shown
        if pull is not None
        and state in {"all", pull.state}
        and (base is None or pull.base_ref == base)
        and (head is None or f"{pull.head_repo.partition('/')[0]}:{pull.head_ref}" == head)
    ]
    sort = query.get("sort", "created")
    backwards = query.get("direction", "desc" if sort == "created" else "asc") == "desc"
    found.sort(
        key=lambda pull: (pull.updated_at if sort == "updated" else pull.created_at, pull.number),
        reverse=backwards,
    )
    return call.paged(found, lambda pull: pull_simple_json(call.hub, repo, pull))


class PullBody(Body):
    """A new pull request."""

    title: str | None = None
    head: str
    head_repo: str | None = None
    base: str
    body: str | None = None
    maintainer_can_modify: bool | None = None
    draft: bool = False
    issue: int | None = None


async def create_pull(call: Call) -> Reply:
    """POST /repos/{owner}/{repo}/pulls."""
    repo = call.repo()
    wanted = call.parse(PullBody)
    if not wanted.title:
        raise invalid("PullRequest", "title", "title is missing", code="missing_field")
    owner, colon, branch = wanted.head.partition(":")
    head_repo = repo
    if colon and owner.lower() != repo.owner.lower():
        forks = call.hub.state.data.repos.values()
        found = next(
            (
                each
                for each in forks
                if each.fork_of == repo.full_name and each.owner.lower() == owner.lower()
            ),
            None,
        )
        if found is None:
            raise invalid("PullRequest", "head", "head is invalid", code="invalid")
        head_repo = found
    new = acts.NewPull(
        author=call.actor,
        title=wanted.title,
        body=wanted.body,
        head_repo=head_repo,
        head=branch if colon else wanted.head,
        base=wanted.base,
        draft=wanted.draft,
        via_app=call.via_app,
    )
    pull = await acts.open_pull(call.hub, repo, new)
    shape = await pull_json(call.hub, repo, pull)
    return Reply(status=201, body=shape, headers={"Location": shape["url"]})


async def get_pull(call: Call) -> Reply:
    """GET /repos/{owner}/{repo}/pulls/{pull_number}, also as a diff."""
    repo, newest = _pull(call)
    pull = _shown(call, repo, newest)
    if pull is None:
        raise not_found()
    if "diff" in call.accept or "patch" in call.accept:
        git = call.hub.git(repo)
        base = await git.merge_base(pull.base_sha, pull.head_sha) or pull.base_sha
        text = await git.patch(base, pull.head_sha)
        return Reply(body=text, content_type="application/vnd.github.diff; charset=utf-8")
    return Reply(body=await pull_json(call.hub, repo, pull))


class PullChanges(Body):
    """What of a pull request can be changed."""

    title: str | None = None
    body: str | None = None
    state: Literal["open", "closed"] | None = None
    base: str | None = None
    maintainer_can_modify: bool | None = None


async def update_pull(call: Call) -> Reply:
    """PATCH /repos/{owner}/{repo}/pulls/{pull_number}; not in the described subset."""
    repo, pull = _pull(call)
    wanted = call.parse(PullChanges)
    await acts.edit_text(call.hub, repo, pull, by=call.actor, title=wanted.title, body=wanted.body)
    if wanted.base is not None:
        await acts.edit_base(call.hub, repo, pull, wanted.base, by=call.actor)
    if wanted.state == "closed":
        await acts.close_pull(call.hub, repo, pull, by=call.actor)
    elif wanted.state == "open":
        await acts.reopen_pull(call.hub, repo, pull, by=call.actor)
    return Reply(body=await pull_json(call.hub, repo, pull))


async def list_files(call: Call) -> Reply:
    """GET /repos/{owner}/{repo}/pulls/{pull_number}/files: at most 3,000."""
    repo, pull = _pull(call)
    git = call.hub.git(repo)
    base = await git.merge_base(pull.base_sha, pull.head_sha) or pull.base_sha
    files = (await git.diff(base, pull.head_sha))[:FILES_MOST]
    return call.paged(files, lambda change: file_json(call.hub, repo, change, pull.head_sha))


async def list_commits(call: Call) -> Reply:
    """GET /repos/{owner}/{repo}/pulls/{pull_number}/commits; not in the described subset."""
    repo, pull = _pull(call)
    commits = await call.hub.git(repo).commits(f"{pull.base_sha}..{pull.head_sha}")
    return call.paged(commits, lambda commit: commit_json(call.hub, repo, commit))


async def list_reviews(call: Call) -> Reply:
    """GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews."""
    repo, pull = _pull(call)
    found = reviews_of(call.hub, repo, pull.number)
    return call.paged(found, lambda review: review_json(call.hub, repo, review))


class MergeBody(Body):
    """How to merge."""

    commit_title: str | None = None
    commit_message: str | None = None
    sha: str | None = None
    merge_method: Literal["merge", "squash", "rebase"] = "merge"


async def merge_pull(call: Call) -> Reply:
    """PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge."""
    repo, pull = _pull(call)
    wanted = call.parse(MergeBody)
    if pull.merged:
        raise ApiError(405, "Pull Request is not mergeable")
    sha = await acts.merge_pull(
        call.hub,
        repo,
        pull,
        by=call.actor,
        method=wanted.merge_method,
        sha=wanted.sha,
        title=wanted.commit_title,
        message=wanted.commit_message,
    )
    return Reply(body={"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


_LIST = "/repos/{owner}/{repo}/pulls"
_PULL = f"{_LIST}/{{pull_number}}"
ROUTES = (
    Route(method="GET", path=_LIST, handler=list_pulls, needs=READ),
    Route(method="POST", path=_LIST, handler=create_pull, needs=WRITE, content=True),
    Route(method="GET", path=_PULL, handler=get_pull, needs=(*READ, "contents:read")),
    Route(method="PATCH", path=_PULL, handler=update_pull, needs=WRITE),
    Route(method="GET", path=f"{_PULL}/files", handler=list_files, needs=READ),
    Route(method="GET", path=f"{_PULL}/commits", handler=list_commits, needs=READ),
    Route(method="GET", path=f"{_PULL}/reviews", handler=list_reviews, needs=READ),
    Route(method="PUT", path=f"{_PULL}/merge", handler=merge_pull, needs=("contents:write",), content=True),
)

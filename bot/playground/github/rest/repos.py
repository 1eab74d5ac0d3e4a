"""Repositories: data, branches, commits, contents, comparison, refs."""

from typing import Any
from urllib.parse import quote

from bot.playground.github.actions.pushes import ZERO, Moved, announce
from bot.playground.github.errors import ApiError, invalid, not_found
from bot.playground.github.git.process import GitError
from bot.playground.github.hub import node_id
from bot.playground.github.records.model import Repo, Role
from bot.playground.github.rest.call import Body, Call, Reply, Route
from bot.playground.github.shapes.commits import commit_json, encoded, entry_json, file_json
from bot.playground.github.shapes.repos import full_repo_json, repo_api

Json = dict[str, Any]
COMPARED_FILES = 300
BLOB_MOST = 1_048_576


async def get_repo(call: Call) -> Reply:
    """GET /repos/{owner}/{repo}."""
    repo = call.repo()
    role = call.auth.role(call.who, repo)
    if call.who.installation is not None:
        role = Role.READ
    return Reply(body=full_repo_json(call.hub, repo, role))


async def _commit(call: Call, repo: Repo, revision: str) -> str:
    sha = await call.hub.git(repo).resolve(revision)
    if sha is None:
        raise ApiError(422, f"No commit found for SHA: {revision}", errors=[])
    return sha


async def get_branch(call: Call) -> Reply:
    """GET /repos/{owner}/{repo}/branches/{branch}."""
    repo, name = call.repo(), call.params["branch"]
    git = call.hub.git(repo)
    sha = await git.resolve(f"heads/{name}")
    if sha is None:
        raise ApiError(404, "Branch not found")
    sha = call.hub.late_tips.shown(repo.full_name, name, sha)
    url = f"{repo_api(call.hub, repo)}/branches/{quote(name)}"
    body = {
        "name": name,
        "commit": commit_json(call.hub, repo, await git.commit(sha)),
        "_links": {"self": url, "html": f"{call.hub.url}/{repo.full_name}/tree/{quote(name)}"},
        "protected": False,
        "protection": {
            "enabled": False,
            "required_status_checks": {"enforcement_level": "off", "contexts": [], "checks": []},
        },
        "protection_url": f"{url}/protection",
    }
    return Reply(body=body)


async def get_commit(call: Call) -> Reply:
    """GET /repos/{owner}/{repo}/commits/{ref}, also as a diff or as the bare SHA."""
    repo = call.repo()
    git = call.hub.git(repo)
    sha = await _commit(call, repo, call.params["ref"])
    if call.accept.startswith("application/vnd.github.sha"):
        return Reply(body=sha, content_type="application/vnd.github.sha; charset=utf-8")
    commit = await git.commit(sha)
    parent = commit.parents[0] if commit.parents else await _empty_tree(call, repo)
    if "diff" in call.accept or "patch" in call.accept:
        text = await git.patch(parent, sha)
        return Reply(body=text, content_type="application/vnd.github.diff; charset=utf-8")
    files = await git.diff(parent, sha)
    added, deleted = sum(file.additions for file in files), sum(file.deletions for file in files)
    some, headers = call.page(files)
    body = {
        **commit_json(call.hub, repo, commit),
        "stats": {"total": added + deleted, "additions": added, "deletions": deleted},
        "files": [file_json(call.hub, repo, change, sha) for change in some],
    }
    return Reply(body=body, headers=headers)


async def _empty_tree(call: Call, repo: Repo) -> str:
    return await call.hub.git(repo).git("hash-object", "-w", "-t", "tree", "--stdin")


async def compare(call: Call) -> Reply:
    """GET /repos/{owner}/{repo}/compare/{base}...{head}."""
    repo = call.repo()
    git = call.hub.git(repo)
    left, dots, right = call.params["basehead"].partition("...")
    base, head = await git.resolve(_plain(left)), await git.resolve(_plain(right))
    if not dots or base is None or head is None:
        raise not_found()
    fork_point = await git.merge_base(base, head)
    if fork_point is None:
        raise ApiError(404, f"No common ancestor between {left} and {right}.")
    if "diff" in call.accept or "patch" in call.accept:
        text = await git.patch(fork_point, head)
        return Reply(body=text, content_type="application/vnd.github.diff; charset=utf-8")
    ahead, behind = await git.count(f"{base}..{head}"), await git.count(f"{head}..{base}")
    commits = await git.commits(f"{base}..{head}", limit=100_000)
    some, headers = call.page(commits)
    files = (await git.diff(fork_point, head))[:COMPARED_FILES]
    url = f"{repo_api(call.hub, repo)}/compare/{quote(left)}...{quote(right)}"
    page = f"{call.hub.url}/{repo.full_name}/compare/{quote(left)}...{quote(right)}"
    status = {(True, True): "diverged", (True, False): "ahead", (False, True): "behind"}
    body = {
        "url": url,
        "html_url": page,
        "permalink_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "base_commit": commit_json(call.hub, repo, await git.commit(base)),
        "merge_base_commit": commit_json(call.hub, repo, await git.commit(fork_point)),
        "status": status.get((ahead > 0, behind > 0), "identical"),
        "ahead_by": ahead,
        "behind_by": behind,
        "total_commits": ahead,
        "commits": [commit_json(call.hub, repo, commit) for commit in some],
        "files": [file_json(call.hub, repo, change, head) for change in files],
    }
    return Reply(body=body, headers=headers)


def _plain(name: str) -> str:
    """Return the name without the `owner:` of a fork's branch."""
    return name.rpartition(":")[2]


async def get_contents(call: Call) -> Reply:
    """GET /repos/{owner}/{repo}/contents/{path}: a file, or a directory's entries."""
    repo, path = call.repo(), call.params["path"].strip("/")
    git = call.hub.git(repo)
    ref = call.query.get("ref") or repo.default_branch
    sha = await git.resolve(ref)
    if sha is None:
        raise ApiError(404, f"No commit found for the ref {ref}")
    entries = await git.list_tree(sha, path) if path else await git.list_tree(sha, "")
    if path and not entries:
        raise not_found()
    if path and entries[0].kind == "blob":
        return await _file(call, repo, entries[0].sha, entry_json(call.hub, repo, entries[0], ref))
    inside = await git.list_tree(sha, f"{path}/" if path else "")
    return Reply(body=[entry_json(call.hub, repo, entry, ref) for entry in inside])


async def _file(call: Call, repo: Repo, blob: str, entry: Json) -> Reply:
    content = await call.hub.git(repo).blob(blob)
    if "raw" in call.accept:
        return Reply(body=content, content_type="application/vnd.github.raw; charset=utf-8")
    if entry["type"] == "symlink":
        return Reply(body={**entry, "target": content.decode(errors="replace")})
    small = len(content) <= BLOB_MOST
    extra = {"content": encoded(content) if small else "", "encoding": "base64" if small else "none"}
    return Reply(body={**entry, **extra})


def _ref_json(call: Call, repo: Repo, ref: str, sha: str) -> Json:
    api = repo_api(call.hub, repo)
    return {
        "ref": ref,
        "node_id": node_id("Ref", int(sha[:12], 16)),
        "url": f"{api}/git/{quote(ref)}",
        "object": {"type": "commit", "sha": sha, "url": f"{api}/git/commits/{sha}"},
    }


async def get_ref(call: Call) -> Reply:
    """GET /repos/{owner}/{repo}/git/ref/{ref}."""
    repo = call.repo()
    ref = f"refs/{call.params['ref']}"
    sha = (await call.hub.git(repo).refs()).get(ref)
    if sha is None:
        raise not_found()
    sha = call.hub.late_tips.shown(repo.full_name, ref.removeprefix("refs/heads/"), sha)
    return Reply(body=_ref_json(call, repo, ref, sha))


class RefBody(Body):
    """A new ref, named in full."""

    ref: str
    sha: str


async def create_ref(call: Call) -> Reply:
    """POST /repos/{owner}/{repo}/git/refs."""
    repo = call.repo()
    wanted = call.parse(RefBody)
    git = call.hub.git(repo)
    if wanted.ref.count("/") < 2 or not wanted.ref.startswith(("refs/heads/", "refs/tags/")):  # noqa: PLR2004
        raise ApiError(422, "Reference name must start with 'refs' and contain two slashes", errors=[])
    async with git.lock:
        if wanted.ref in await git.refs():
            raise ApiError(422, "Reference already exists", errors=[])
        if len(wanted.sha) != len(ZERO) or await git.resolve(wanted.sha) is None:
            raise ApiError(422, "Object does not exist", errors=[])
        try:
            await git.update_ref(wanted.ref, wanted.sha, old=ZERO)
        except GitError as error:
            raise invalid("Reference", "ref", f"Invalid ref: {wanted.ref}") from error
    await announce(call.hub, repo, Moved(ref=wanted.ref, before=ZERO, after=wanted.sha), call.actor)
    shape = _ref_json(call, repo, wanted.ref, wanted.sha)
    return Reply(status=201, body=shape, headers={"Location": shape["url"]})


async def delete_ref(call: Call) -> Reply:
    """DELETE /repos/{owner}/{repo}/git/refs/{ref}."""
    repo = call.repo()
    ref = f"refs/{call.params['ref']}"
    git = call.hub.git(repo)
    async with git.lock:
        before = (await git.refs()).get(ref)
        if before is None or not ref.startswith(("refs/heads/", "refs/tags/")):
            raise ApiError(422, "Reference does not exist", errors=[])
        if ref == f"refs/heads/{repo.default_branch}":
            raise ApiError(422, "Cannot delete the default branch", errors=[])
        await git.delete_ref(ref)
    await announce(call.hub, repo, Moved(ref=ref, before=before, after=ZERO), call.actor)
    return Reply(status=204)


_REPO = "/repos/{owner}/{repo}"
_READ, _WRITE = ("contents:read",), ("contents:write",)
ROUTES = (
    Route(method="GET", path=_REPO, handler=get_repo, needs=("metadata:read",)),
    Route(method="GET", path=f"{_REPO}/branches/{{branch:.+}}", handler=get_branch, needs=_READ),
    Route(method="GET", path=f"{_REPO}/commits/{{ref:.+}}", handler=get_commit, needs=_READ),
    Route(method="GET", path=f"{_REPO}/compare/{{basehead:.+}}", handler=compare, needs=_READ),
    Route(method="GET", path=f"{_REPO}/contents/{{path:.*}}", handler=get_contents, needs=_READ),
    Route(method="GET", path=f"{_REPO}/git/ref/{{ref:.+}}", handler=get_ref, needs=_READ),
    Route(method="POST", path=f"{_REPO}/git/refs", handler=create_ref, needs=_WRITE, content=True),
    Route(method="DELETE", path=f"{_REPO}/git/refs/{{ref:.+}}", handler=delete_ref, needs=_WRITE),
)

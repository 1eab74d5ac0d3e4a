"""The pages one reads."""

import hashlib
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from markupsafe import Markup

from bot.playground.github.errors import ApiError
from bot.playground.github.git.diff import FileChange
from bot.playground.github.hub import Hub
from bot.playground.github.pages.markdown import diff_line, render
from bot.playground.github.pages.rendering import ENVIRONMENT, page_headers, page_response
from bot.playground.github.pages.timeline import (
    deployments_of,
    live_values,
    pull_commits,
    pull_files,
)
from bot.playground.github.pages.viewer import Viewer, people, viewer_of
from bot.playground.github.records.model import Pull, Role
from bot.playground.github.records.times import stamp
from bot.playground.github.shapes.threads import thread_comments

PALETTE = ("#8250df", "#0969da", "#1a7f37", "#9a6700", "#cf222e", "#bf3989", "#116329", "#0550ae")
RECENT = 20


def show(
    hub: Hub, request: web.Request, template: str, values: Mapping[str, Any], *, status: int = 200
) -> web.Response:
    """A page with the header that every page has."""
    viewer = viewer_of(hub, request)
    frame = {"viewer": viewer, "people": people(hub), "here": str(request.rel_url), "stamp": stamp}
    return page_response(hub, template, {**frame, "Role": Role, **values}, status=status)


def show_error(hub: Hub, request: web.Request, status: int, message: str) -> web.Response:
    """A page with the error, and a link back."""
    back = request.path.rpartition("/")[0] if request.method == "POST" else "/"
    values = {"status": status, "message": message, "back": back or "/"}
    return show(hub, request, "error.html.j2", values, status=status)


class Views:
    """GET handlers."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def home(self, request: web.Request) -> web.StreamResponse:
        """All repositories that the person sees, with their pull requests."""
        viewer = viewer_of(self._hub, request)
        repos = [
            repo for repo in self._hub.state.data.repos.values() if viewer.role(repo).at_least(Role.READ)
        ]
        deliveries = list(self._hub.state.data.deliveries.values())[-RECENT:]
        values = {"repos": repos, "deliveries": deliveries[::-1]}
        return show(self._hub, request, "home.html.j2", values)

    async def repo(self, request: web.Request) -> web.StreamResponse:
        """One repository: its pull requests, and its files to start one from."""
        viewer = viewer_of(self._hub, request)
        repo = viewer.repo(request)
        git = self._hub.git(repo)
        tip = await git.resolve(f"heads/{repo.default_branch}")
        files = await git.list_tree(tip, "", recursive=True) if tip else []
        values = {"repo": repo, "files": files, "pulls": sorted(repo.pulls.values(), key=lambda p: -p.number)}
        return show(self._hub, request, "repo.html.j2", values)

    async def pull(self, request: web.Request) -> web.StreamResponse:
        """The conversation of a pull request."""
        viewer = viewer_of(self._hub, request)
        repo, pull = viewer.pull(request)
        live = await live_values(self._hub, repo, pull)
        refs = await self._hub.git(repo).refs()
        branches = [name.removeprefix("refs/heads/") for name in refs if name.startswith("refs/heads/")]
        fragment = ENVIRONMENT.get_template("live.html.j2").render(viewer=viewer, Role=Role, **live)
        values = {**live, "tab": "conversation", "branches": branches, "live": Markup(fragment)}  # noqa: S704
        values["version"] = _version(fragment)
        values["counts"] = await self._counts(request, viewer)
        return show(self._hub, request, "pull.html.j2", values)

    async def fragment(self, request: web.Request) -> web.StreamResponse:
        """The self-refreshing part; 204 if the browser has the current one."""
        viewer = viewer_of(self._hub, request)
        repo, pull = viewer.pull(request)
        live = await live_values(self._hub, repo, pull)
        text = ENVIRONMENT.get_template("live.html.j2").render(viewer=viewer, Role=Role, **live)
        headers = {**page_headers(), "X-Version": _version(text)}
        if request.query.get("have") == headers["X-Version"]:
            return web.Response(status=204, headers=headers)
        return web.Response(text=text, content_type="text/html", headers=headers)

    async def files(self, request: web.Request) -> web.StreamResponse:
        """The diff of a pull request."""
        viewer = viewer_of(self._hub, request)
        repo, pull = viewer.pull(request)
        changes = [_shown(change) for change in await pull_files(self._hub, repo, pull)]
        values = {"repo": repo, "pull": pull, "tab": "files", "changes": changes}
        values["counts"] = await self._counts(request, viewer)
        return show(self._hub, request, "files.html.j2", values)

    async def commits(self, request: web.Request) -> web.StreamResponse:
        """The commits of a pull request."""
        viewer = viewer_of(self._hub, request)
        repo, pull = viewer.pull(request)
        found = await pull_commits(self._hub, repo, pull)
        values = {"repo": repo, "pull": pull, "tab": "commits", "commits": found}
        values["counts"] = await self._counts(request, viewer)
        return show(self._hub, request, "commits.html.j2", values)

    async def issue(self, request: web.Request) -> web.StreamResponse:
        """An issue with its comments; a pull request's number leads to its page."""
        viewer = viewer_of(self._hub, request)
        repo = viewer.repo(request)
        number = request.match_info["number"]
        found = repo.thread(int(number)) if number.isdigit() else None
        if found is None:
            raise web.HTTPNotFound
        if isinstance(found, Pull):
            raise web.HTTPSeeOther(f"/{repo.full_name}/pull/{found.number}")
        texts = [(each.author, each.body) for each in thread_comments(self._hub, repo, found.number)]
        said = [
            (author, Markup(render(body)))  # noqa: S704
            for author, body in [(found.author, found.body or ""), *texts]
        ]
        return show(self._hub, request, "issue.html.j2", {"repo": repo, "issue": found, "said": said})

    async def _counts(self, request: web.Request, viewer: Viewer) -> dict[str, int]:
        repo, pull = viewer.pull(request)
        commits = await pull_commits(self._hub, repo, pull)
        return {"commits": len(commits), "files": len(await pull_files(self._hub, repo, pull))}

    async def commit(self, request: web.Request) -> web.StreamResponse:
        """One commit."""
        viewer = viewer_of(self._hub, request)
        repo = viewer.repo(request)
        git = self._hub.git(repo)
        sha = await git.resolve(request.match_info["sha"])
        if sha is None:
            raise web.HTTPNotFound
        commit = await git.commit(sha)
        changes = await git.diff(commit.parents[0], sha) if commit.parents else []
        values = {
            "repo": repo,
            "commit": commit,
            "changes": [_shown(change) for change in changes],
            "deployments": deployments_of(self._hub, repo, {sha}),
        }
        return show(self._hub, request, "commit.html.j2", values)

    async def blob(self, request: web.Request) -> web.StreamResponse:
        """One file at a branch or commit; the branch's name may hold slashes."""
        viewer = viewer_of(self._hub, request)
        repo = viewer.repo(request)
        parts = request.match_info["rest"].split("/")
        for cut in range(1, len(parts)):
            ref, path = "/".join(parts[:cut]), "/".join(parts[cut:])
            content = await self._hub.git(repo).read(ref, path)
            if content is not None:
                values = {"repo": repo, "ref": ref, "path": path, "text": content.decode(errors="replace")}
                return show(self._hub, request, "blob.html.j2", values)
        raise web.HTTPNotFound

    async def run(self, request: web.Request) -> web.StreamResponse:
        """One check run, in full."""
        viewer = viewer_of(self._hub, request)
        repo = viewer.repo(request)
        number = request.match_info["run"]
        found = self._hub.state.data.check_runs.get(int(number)) if number.isdigit() else None
        if found is None or found.repo != repo.full_name:
            raise web.HTTPNotFound
        text = "\n\n".join(part for part in (found.summary, found.text) if part)
        values = {"repo": repo, "run": found, "text": Markup(render(text))}  # noqa: S704
        return show(self._hub, request, "run.html.j2", values)

    async def avatar(self, request: web.Request) -> web.StreamResponse:
        """A coloured square with a letter."""
        number = request.match_info["number"]
        every = self._hub.state.data.accounts.values()
        account = next((each for each in every if str(each.id) == number), None)
        letter = Markup.escape(account.login[0].upper()) if account else "?"
        color = PALETTE[(account.id if account else 0) % len(PALETTE)]
        text = (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40" width="40" height="40">'
            f'<rect width="40" height="40" fill="{color}"/><text x="20" y="27" fill="#fff" '
            f'font-family="sans-serif" font-size="20" text-anchor="middle">{letter}</text></svg>'
        )
        return web.Response(text=text, content_type="image/svg+xml", headers=page_headers())

    def guarded(self, request: web.Request, error: ApiError | web.HTTPException) -> web.Response:
        """The page of a refusal."""
        if isinstance(error, ApiError):
            return show_error(self._hub, request, error.status, error.message)
        return show_error(self._hub, request, error.status, error.text or error.reason)


def _version(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _shown(change: FileChange) -> dict[str, Any]:
    lines = (change.patch or "").split("\n") if change.patch else []
    shown = Markup("".join(diff_line(line) for line in lines))  # noqa: S704
    return {"file": change, "lines": shown}

"""The page on which one edits a file, to push it or to open a pull request with it."""

from typing import Any

from aiohttp import web

from bot.playground.github.errors import ApiError
from bot.playground.github.hub import Hub
from bot.playground.github.pages.viewer import viewer_of
from bot.playground.github.pages.views import show
from bot.playground.github.records.model import Repo


class Editor:
    """GET handlers of the editing forms."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def new(self, request: web.Request) -> web.StreamResponse:
        """Edit a file of the default branch."""
        viewer = viewer_of(self._hub, request)
        repo = viewer.repo(request)
        values = await self._values(repo, repo.default_branch, request.query.get("path", ""))
        return show(self._hub, request, "edit.html.j2", {**values, "repo": repo, "pull": None})

    async def edit(self, request: web.Request) -> web.StreamResponse:
        """Edit a file of a pull request's branch."""
        viewer = viewer_of(self._hub, request)
        repo, pull = viewer.pull(request)
        head = self._hub.state.repo(pull.head_repo)
        values = await self._values(head, pull.head_ref, request.query.get("path", ""))
        return show(self._hub, request, "edit.html.j2", {**values, "repo": repo, "pull": pull})

    async def _values(self, repo: Repo, branch: str, path: str) -> dict[str, Any]:
        git = self._hub.git(repo)
        tip = await git.resolve(f"heads/{branch}")
        if tip is None:
            raise ApiError(404, "The branch is gone.")
        files = [entry.path for entry in await git.list_tree(tip, "", recursive=True)]
        content = await git.read(tip, path) if path else None
        text = "" if content is None else content.decode(errors="replace")
        return {"branch": branch, "files": files, "path": path, "text": text, "known": path in files}

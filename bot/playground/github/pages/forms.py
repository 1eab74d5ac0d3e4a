"""The forms one sends; each acts as the person of the cookie and leads back to a page."""

from typing import NoReturn

from aiohttp import web

from bot.playground.github.actions import checks, comments, pulls, pushes, repos
from bot.playground.github.hub import Hub
from bot.playground.github.pages.viewer import COOKIE, Viewer, require_same_origin, viewer_of
from bot.playground.github.records.model import Account, Pull, Repo, Role

ROLE_WORDS = "You need {} access to do that."


def _back(repo: Repo, pull: Pull, anchor: str = "") -> NoReturn:
    raise web.HTTPSeeOther(f"/{repo.full_name}/pull/{pull.number}{anchor}")


def _require(allowed: bool, least: str) -> None:  # noqa: FBT001
    if not allowed:
        raise web.HTTPForbidden(text=ROLE_WORDS.format(least))


class Forms:
    """POST handlers."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def _start(self, request: web.Request) -> tuple[Viewer, dict[str, str]]:
        require_same_origin(request)
        fields = {name: str(value) for name, value in (await request.post()).items()}
        return viewer_of(self._hub, request), fields

    async def act_as(self, request: web.Request) -> web.StreamResponse:
        """Become another person."""
        _, fields = await self._start(request)
        account = self._hub.state.data.accounts.get(fields.get("login", "").lower())
        if account is None or account.type != "User":
            raise web.HTTPBadRequest(text="There is no such person.")
        target = fields.get("back", "/")
        safe = target.startswith("/") and not target.startswith(("//", "/\\"))
        answer = web.Response(status=303, headers={"Location": target if safe else "/"})
        answer.set_cookie(COOKIE, account.login, httponly=True, samesite="Strict", path="/")
        return answer

    async def comment(self, request: web.Request) -> web.StreamResponse:
        """Post a comment."""
        viewer, fields = await self._start(request)
        repo, pull = viewer.pull(request)
        body = fields.get("body", "").replace("\r\n", "\n")
        added = comments.add_comment(self._hub, repo, pull.number, author=viewer.login, body=body)
        _back(repo, pull, f"#issuecomment-{added.id}")

    async def review(self, request: web.Request) -> web.StreamResponse:
        """Approve, request changes, or remark."""
        viewer, fields = await self._start(request)
        repo, pull = viewer.pull(request)
        body = fields.get("body", "").replace("\r\n", "\n")
        state = fields.get("state", "")
        comments.submit_review(self._hub, repo, pull, author=viewer.login, state=state, body=body)
        _back(repo, pull)

    async def dismiss(self, request: web.Request) -> web.StreamResponse:
        """Dismiss a review."""
        viewer, fields = await self._start(request)
        repo, pull = viewer.pull(request)
        _require(viewer.may(repo, Role.WRITE), "write")
        wanted = fields.get("review", "")
        for review in comments.reviews_of(self._hub, repo, pull.number):
            if str(review.id) == wanted:
                comments.dismiss_review(self._hub, repo, review, by=viewer.login)
        _back(repo, pull)

    async def merge(self, request: web.Request) -> web.StreamResponse:
        """Merge."""
        viewer, fields = await self._start(request)
        repo, pull = viewer.pull(request)
        _require(viewer.may(repo, Role.WRITE), "write")
        method = fields.get("method", "merge")
        if method not in {"merge", "squash", "rebase"}:
            raise web.HTTPBadRequest(text="There is no such way to merge.")
        await pulls.merge_pull(self._hub, repo, pull, by=viewer.login, method=method)
        _back(repo, pull)

    async def state(self, request: web.Request) -> web.StreamResponse:
        """Close, reopen, mark ready, or make a draft."""
        viewer, fields = await self._start(request)
        repo, pull = viewer.pull(request)
        _require(viewer.may_steer(repo, pull), "write")
        match fields.get("to"):
            case "closed":
                await pulls.close_pull(self._hub, repo, pull, by=viewer.login)
            case "open":
                await pulls.reopen_pull(self._hub, repo, pull, by=viewer.login)
            case "ready":
                await pulls.set_draft(self._hub, repo, pull, draft=False, by=viewer.login)
            case "draft":
                await pulls.set_draft(self._hub, repo, pull, draft=True, by=viewer.login)
            case _:
                raise web.HTTPBadRequest(text="There is no such state.")
        _back(repo, pull)

    async def base(self, request: web.Request) -> web.StreamResponse:
        """Aim at another branch."""
        viewer, fields = await self._start(request)
        repo, pull = viewer.pull(request)
        _require(viewer.may_steer(repo, pull), "write")
        await pulls.edit_base(self._hub, repo, pull, fields.get("base", ""), by=viewer.login)
        _back(repo, pull)

    async def push(self, request: web.Request) -> web.StreamResponse:
        """Commit an edited file to the pull request's branch."""
        viewer, fields = await self._start(request)
        repo, pull = viewer.pull(request)
        head = self._hub.state.repo(pull.head_repo)
        _require(viewer.may(head, Role.WRITE), "write")
        if pull.state != "open":
            raise web.HTTPConflict(text="This pull request is closed.")
        path, files = _edited(fields)
        await repos.push_files(
            self._hub,
            head,
            pull.head_ref,
            files,
            author=_person(viewer),
            message=fields.get("message") or f"Update {path}",
        )
        _back(repo, pull)

    async def open(self, request: web.Request) -> web.StreamResponse:
        """Commit an edited file to a new branch and open a pull request."""
        viewer, fields = await self._start(request)
        repo = viewer.repo(request)
        path, files = _edited(fields)
        person = _person(viewer)
        # Who cannot write proposes from a fork, as on GitHub.
        writes = viewer.may(repo, Role.WRITE)
        source = repo if writes else await repos.fork_repo(self._hub, repo, viewer.login)
        branch = fields.get("branch") or await self._free_branch(source, viewer.login)
        title = fields.get("title") or f"Update {path}"
        await repos.push_files(
            self._hub, source, branch, files, author=person, message=title, start=repo.default_branch
        )
        new = pulls.NewPull(
            author=viewer.login,
            title=title,
            body=fields.get("body") or None,
            head_repo=source,
            head=branch,
            base=repo.default_branch,
            draft=fields.get("draft") == "on",
        )
        _back(repo, await pulls.open_pull(self._hub, repo, new))

    async def _free_branch(self, repo: Repo, login: str) -> str:
        taken = await self._hub.git(repo).refs()
        number = 1
        while f"refs/heads/{login}-patch-{number}" in taken:
            number += 1
        return f"{login}-patch-{number}"

    async def check(self, request: web.Request) -> web.StreamResponse:
        """Re-run a check, or press one of its buttons."""
        viewer, fields = await self._start(request)
        repo = viewer.repo(request)
        _require(viewer.may(repo, Role.WRITE), "write")
        number = request.match_info["run"]
        run = checks.check_run_of(self._hub, repo, int(number) if number.isdigit() else 0)
        if fields.get("action"):
            checks.request_action(self._hub, repo, run, fields["action"], by=viewer.login)
        else:
            checks.rerequest_run(self._hub, repo, run, by=viewer.login)
        target = fields.get("pull", "")
        raise web.HTTPSeeOther(f"/{repo.full_name}" + (f"/pull/{target}" if target.isdigit() else ""))

    async def rerun(self, request: web.Request) -> web.StreamResponse:
        """Re-run all checks of the head."""
        viewer, _ = await self._start(request)
        repo, pull = viewer.pull(request)
        _require(viewer.may(repo, Role.WRITE), "write")
        suite = pushes.ensure_suite(self._hub, repo, pull.head_sha)
        await checks.rerequest_suite(self._hub, repo, suite.id, by=viewer.login)
        _back(repo, pull)


def _person(viewer: Viewer) -> Account:
    if viewer.account is None:
        raise web.HTTPForbidden(text="There is nobody to act as.")
    return viewer.account


def _edited(fields: dict[str, str]) -> tuple[str, dict[str, str | None]]:
    """The path and its new text; browsers send line ends of their own."""
    path = fields.get("path", "").strip().strip("/")
    if not path:
        raise web.HTTPBadRequest(text="Name the file to change.")
    text = fields.get("text", "").replace("\r\n", "\n")
    ended = text if text.endswith("\n") or not text else f"{text}\n"
    return path, {path: None if fields.get("delete") == "on" else ended}

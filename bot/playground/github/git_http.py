"""git over HTTP: git's CGI program behind aiohttp, with GitHub's rules around it."""

import asyncio

from aiohttp import web

from bot.playground.github.actions.pushes import ZERO, Moved, announce
from bot.playground.github.auth import ANONYMOUS, Auth, Principal
from bot.playground.github.errors import ApiError
from bot.playground.github.git.process import GIT, git_environment
from bot.playground.github.git.workflow_files import NEED, refusal, report
from bot.playground.github.grants import grants
from bot.playground.github.hub import Hub
from bot.playground.github.records.model import Repo, Role

SERVICES = {"git-upload-pack": "contents:read", "git-receive-pack": "contents:write"}


class GitHttp:
    """`/{owner}/{repo}.git/…`: fetch and push."""

    def __init__(self, hub: Hub, auth: Auth) -> None:
        self._hub = hub
        self._auth = auth

    def add_routes(self, app: web.Application) -> None:
        """The three addresses of the smart protocol."""
        base = "/{owner}/{repo:[^/]+?}{dot:(?:\\.git)?}"
        app.router.add_get(base + "/info/refs", self._refs)
        for service in SERVICES:
            app.router.add_post(f"{base}/{service}", self._service)

    async def _refs(self, request: web.Request) -> web.StreamResponse:
        service = request.query.get("service", "")
        if service not in SERVICES:
            return web.Response(status=403, text="Please upgrade your git client.\n")
        return await self._guarded(request, service, "/info/refs")

    async def _service(self, request: web.Request) -> web.StreamResponse:
        service = request.path.rsplit("/", 1)[-1]
        return await self._guarded(request, service, f"/{service}")

    async def _guarded(self, request: web.Request, service: str, tail: str) -> web.StreamResponse:
        try:
            who = self._auth.principal(request.headers.get("Authorization"))
            repo = self._hub.state.repo(f"{request.match_info['owner']}/{request.match_info['repo']}")
            self._require(who, repo, SERVICES[service])
        except ApiError as error:
            return _refused(error, asked=request.headers.get("Authorization") is not None)
        await self._hub.lag.write_due(self._hub.git(repo))
        if tail == "/git-receive-pack":
            return await self._push(request, repo, who, tail)
        return await self._run(request, repo, who, tail)

    def _require(self, who: Principal, repo: Repo, need: str) -> None:
        """The same rules as REST's, in the words git prints."""
        if not self._auth.sees(who, repo):
            raise ApiError(404, "Repository not found.")
        if need == "contents:read" and not repo.private:
            return
        if who is ANONYMOUS:
            raise ApiError(401, "Authentication required")
        if who.installation is not None:
            allowed = self._auth.reaches(who, repo) and grants(who.permissions, need)
        else:
            least = Role.READ if need == "contents:read" else Role.WRITE
            allowed = self._auth.role(who, repo).at_least(least)
        if not allowed:
            name = who.user or self._hub.bot_login
            raise ApiError(403, f"Permission to {repo.full_name}.git denied to {name}.")

    async def _push(self, request: web.Request, repo: Repo, who: Principal, tail: str) -> web.StreamResponse:
        """Receive a push, then announce what moved in the pusher's name."""
        git = self._hub.git(repo)
        async with git.lock:
            before = await git.refs()
            answer = await self._run(request, repo, who, tail)
            after = await git.refs()
            moved = [ref for ref in before | after if before.get(ref) != after.get(ref)]
            if refused := await self._refused_workflows(repo, who, before, after):
                await self._restore(repo, moved, before)
                headers = {"Content-Type": "application/x-git-receive-pack-result"}
                return web.Response(headers=headers, body=report(refused))
        sender = who.user or self._hub.bot_login
        for ref in moved:
            change = Moved(ref=ref, before=before.get(ref, ZERO), after=after.get(ref, ZERO))
            await announce(self._hub, repo, change, sender)
        return answer

    async def _refused_workflows(
        self, repo: Repo, who: Principal, before: dict[str, str], after: dict[str, str]
    ) -> dict[str, str]:
        """The branches that an App may not push because they change workflows, and why."""
        if who.installation is None or grants(who.permissions, NEED):
            return {}
        git, base = self._hub.git(repo), f"refs/heads/{repo.default_branch}"
        found = {
            ref: await refusal(git, ref, before.get(ref, ZERO), after.get(ref, ZERO), before.get(base, base))
            for ref in before | after
            if before.get(ref) != after.get(ref)
        }
        return {ref: why for ref, why in found.items() if why is not None}

    async def _restore(self, repo: Repo, moved: list[str], before: dict[str, str]) -> None:
        git = self._hub.git(repo)
        for ref in moved:
            await (git.update_ref(ref, before[ref]) if ref in before else git.delete_ref(ref))

    async def _run(self, request: web.Request, repo: Repo, who: Principal, tail: str) -> web.StreamResponse:
        # aiohttp has unpacked a compressed body already, so neither encoding nor length is passed on.
        body = await request.read()
        environment = {
            **git_environment(self._hub.home),
            "GIT_PROJECT_ROOT": str(self._hub.git_root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_HTTP_MAX_REQUEST_BUFFER": "1g",
            "PATH_INFO": f"/{repo.full_name.lower()}.git{tail}",
            "REQUEST_METHOD": request.method,
            "QUERY_STRING": request.query_string,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "REMOTE_ADDR": "127.0.0.1",
            "REMOTE_USER": who.user or "x-access-token",
        }
        protocol = request.headers.get("Git-Protocol")
        if protocol is not None:
            environment["GIT_PROTOCOL"] = protocol
        process = await asyncio.create_subprocess_exec(
            str(GIT),
            "http-backend",
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, error = await process.communicate(body)
        if not output:
            raise RuntimeError(f"git http-backend: {error.decode(errors='replace').strip()}")
        return _parse_cgi(output)


def _parse_cgi(output: bytes) -> web.Response:
    head, _, body = output.partition(b"\r\n\r\n")
    status, headers = 200, {}
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        elif name:
            headers[name] = value.strip()
    return web.Response(status=status, headers=headers, body=body)


def _refused(error: ApiError, *, asked: bool) -> web.Response:
    """Without credentials GitHub asks for them, whether the repository exists or not."""
    if error.status == 401 or not asked:  # noqa: PLR2004
        headers = {"WWW-Authenticate": 'Basic realm="GitHub"'}
        return web.Response(status=401, headers=headers, text=error.message)
    return web.Response(status=error.status, text=error.message)

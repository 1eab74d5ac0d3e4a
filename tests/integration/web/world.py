"""The web application on a real database, with GitHub's login and rights played by the test."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web
from aiohttp.test_utils import TestClient

from bot.adapters.database import Database
from bot.domain.core.accounts import Account, Login
from bot.domain.core.model import Permission, PlanId, Repo, Run, RunId, RunKind, RunStatus, Sha
from bot.engine import Engine
from bot.ports import NewRun, Writer
from bot.services.pages.run_actions import RunActs
from bot.web.services import WebServices
from tests.fakes.accounts import account as account_of
from tests.fakes.clock import HandClock
from tests.fakes.object_store import MemoryObjectStore
from tests.fakes.records.builders import BASE, HEAD, NOON, plan, stack, summary

SECRET = "kept-to-ourselves"
Client = TestClient[web.Request, web.Application]


@dataclass
class FakeGitHub:
    """GitHub's login pages and its answers on rights."""

    url: str = ""
    codes: dict[str, str] = field(default_factory=dict)
    """Code that the browser brings back -> user."""
    challenges: dict[str, str] = field(default_factory=dict)
    """Code -> PKCE challenge that it was given for."""
    rights: dict[tuple[str, str], Permission] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    broken: bool = False

    ids: dict[str, int | None] = field(default_factory=dict)
    """Logins that another account than `account_of(login)` has now, or nobody."""
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Answers about who is logged in, as they are not documented."""
    files: dict[str, str] = field(default_factory=dict)
    """What is on the default branch."""

    async def repository(self, full_name: str) -> Repo:
        owner, _, name = full_name.partition("/")
        return Repo(owner=owner, name=name, installation_id=1)

    async def branch_head(self, repo: Repo, branch: str) -> Sha:
        del repo, branch
        return Sha(hashlib.sha1(repr(self.files).encode()).hexdigest())  # noqa: S324 - as git names commits

    async def file(self, repo: Repo, path: str, ref: str) -> str | None:
        del repo, ref
        return self.files.get(path)

    async def is_team_member(self, org: str, team: str, login: Login) -> bool:
        return (org, team, login) == ("acme", "platform", "olga")

    async def team_permission(self, repo: Repo, org: str, team: str) -> Permission:
        del repo
        return Permission.WRITE if (org, team) == ("acme", "platform") else Permission.NONE

    async def permission(self, repo: Repo, account: Account) -> Permission:
        has_the_name = account.id == self.id_of(account.login)
        right = self.rights.get((repo.full_name, account.login), Permission.NONE)
        return right if has_the_name else Permission.NONE

    def id_of(self, login: str) -> int | None:
        """The account that has a login now."""
        return self.ids.get(login, account_of(login).id)

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes([web.post("/login/oauth/access_token", self._token), web.get("/api/user", self._user)])
        return app

    async def _token(self, request: web.Request) -> web.Response:
        if self.broken:
            return web.Response(status=502, text="<html>bad gateway</html>")
        form = {name: values[0] for name, values in parse_qs(await request.text()).items()}
        self.asked.append(form)
        login = self.codes.pop(form["code"], None)
        if login is None or form["client_secret"] != "client secret":
            return web.json_response({"error": "bad_verification_code"})
        return web.json_response({"access_token": f"token of {login}", "token_type": "bearer"})

    async def _user(self, request: web.Request) -> web.Response:
        login = request.headers["Authorization"].removeprefix("Bearer token of ")
        return web.json_response(self.users.get(login, {"login": login, "id": self.id_of(login)}))


@dataclass
class FakeLogs:
    """Logs that a test writes: whole ones, and the shared lines of those that go on."""

    stored: dict[RunId, str] = field(default_factory=dict)
    live: dict[RunId, list[str]] = field(default_factory=dict)

    async def read(self, run_id: RunId) -> str | None:
        lines = self.live.get(run_id)
        return "".join(f"{line}\n" for line in lines) if lines else self.stored.get(run_id)

    async def lines(self, run_id: RunId, after: int = 0) -> Sequence[str]:
        return self.live.get(run_id, [])[after:]


@dataclass
class World:
    client: Client
    services: WebServices
    database: Database
    engine: Engine
    clock: HandClock
    github: FakeGitHub
    logs: FakeLogs
    acts: RunActs
    bucket: MemoryObjectStore

    async def deliver(self, payload: Mapping[str, Any], event: str = "issue_comment", **kw: Any) -> Answer:
        return await deliver(self.client, payload, event, **kw)

    async def add_run(
        self,
        id: str = "r123456789abcdef",
        *,
        text: str = "",
        repo: str = "acme/infra",
        env: str = "staging",
        pull: int | None = 7,
        actor: str = "dev",
        by: Account | None = None,
        kind: RunKind = RunKind.PLAN,
        status: RunStatus = RunStatus.SUCCEEDED,
    ) -> Run:
        """Record a run that got to `status`, with a plan where it succeeded."""
        run_id, made = RunId(id), stack(env, repo=repo)
        new = NewRun(
            id=run_id,
            kind=kind,
            stack=made,
            installation_id=1,
            pull=pull,
            head_sha=HEAD,
            base_sha=BASE,
            actor=by or account_of(actor),
            comment_id=None,
            plan_id=None,
            arguments=("-target=<b>x</b>",),
            policy_digest=None,
            correlation_id="c",
            dedupe_key=id,
        )
        succeeded = status is RunStatus.SUCCEEDED
        plan_id = PlanId(f"p{id[-7:]}")
        record = plan(id=plan_id, run_id=run_id, stack=made, summary=summary(text=text or "Plan: 1 to add."))
        way: tuple[RunStatus, ...] = (RunStatus.PREPARING, RunStatus.RUNNING, status)
        way = way[: way.index(status) + 1] if status is not RunStatus.QUEUED else ()
        async with self.database.write() as writer:
            assert await writer.add_run(new, NOON) is not None
            if succeeded:
                await writer.add_plan(record)
            for seconds, step in enumerate(way, 1):
                await self._move(writer, run_id, step, seconds, plan_id if succeeded else None)
        async with self.database.read() as reader:
            run = await reader.run(run_id)
        assert run is not None
        return run

    async def move(self, run: Run, status: RunStatus) -> None:
        async with self.database.write() as writer:
            await self._move(writer, run.id, status, 9, None)

    async def _move(
        self, writer: Writer, run_id: RunId, status: RunStatus, step: int, plan_id: PlanId | None
    ) -> None:
        at = NOON + timedelta(seconds=70 * step)
        await writer.move_run(
            run_id, status, at=at, actor=account_of("bot"), why=f"step {step}", plan_id=plan_id
        )


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: Mapping[str, str]


def comment(number: int = 7, repo: str = "acme/infra") -> dict[str, Any]:
    """A comment on a pull request, as GitHub sends it."""
    user = {"login": "dev", "id": 5, "type": "User"}
    return {
        "action": "created",
        "repository": {
            "id": 1,
            "name": repo.split("/")[1],
            "full_name": repo,
            "owner": {"login": repo.split("/", maxsplit=1)[0], "id": 2, "type": "Organization"},
            "default_branch": "main",
        },
        "installation": {"id": 3},
        "sender": user,
        "issue": {
            "number": number,
            "title": "Change",
            "state": "open",
            "user": user,
            "pull_request": {"url": "https://api.example/pulls/7"},
        },
        "comment": {
            "id": 11,
            "body": "/plan",
            "user": user,
            "created_at": "2026-03-04T12:00:00Z",
            "updated_at": "2026-03-04T12:00:00Z",
        },
    }


def signed(body: bytes, event: str, guid: str, secret: str = SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": guid,
        "X-Hub-Signature-256": f"sha256={digest}",
    }


async def deliver(
    client: Client,
    payload: Mapping[str, Any],
    event: str = "issue_comment",
    *,
    guid: str | None = None,
    secret: str = SECRET,
) -> Answer:
    """Send a webhook as GitHub does."""
    body = json.dumps(payload).encode()
    headers = signed(body, event, guid or str(uuid.uuid4()), secret)
    async with client.post("/webhooks/github", data=body, headers=headers) as response:
        return Answer(response.status, await response.json(), response.headers)


async def never() -> None:
    """A check that hangs."""
    await asyncio.Event().wait()


def changed(services: WebServices, **changes: Any) -> WebServices:
    return replace(services, **changes)


UNKNOWN = Sha("f" * 40)

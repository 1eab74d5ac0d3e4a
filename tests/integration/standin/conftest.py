"""A running stand-in, a receiver for its webhooks, and clients that speak as the App or as people."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.domain.core.app_permissions import app_permissions
from bot.playground.github import StandIn, StandInConfig
from bot.playground.github.auth import private_pem

PERMISSIONS = app_permissions() | {"statuses": "write"}
"""The product's App, which may also set statuses here, so that every operation can be tried."""
SPEC = Path(__file__).parents[2] / "data" / "github" / "openapi-subset.json"
REPO = "acme/infra"
FILES = {
    "terraform/main.tf": 'resource "terraform_data" "one" {}\n',
    "envs/prod.tfvars": "size = 1\n",
    ".github/CODEOWNERS": "* @owner\n/envs/ @owner @acme/platform\n",
}


class Clock:
    """Real time that a test can move forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass
class Received:
    """One webhook as it arrived."""

    headers: dict[str, str]
    raw: bytes
    body: dict[str, Any]

    @property
    def event(self) -> str:
        name = self.headers["X-GitHub-Event"]
        action = self.body.get("action")
        return f"{name}.{action}" if action else name


@dataclass
class Receiver:
    """Keeps what arrives and answers as it is told."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        raw = await request.read()
        body = await request.json() if request.content_type == "application/json" else {}
        self.received.append(Received(dict(request.headers), raw, body))
        return web.Response(status=self.answers.pop(0) if self.answers else 202)

    def events(self) -> list[str]:
        return [each.event for each in self.received]

    def last(self, event: str) -> Received:
        return [each for each in self.received if each.event == event][-1]


@dataclass
class Answer:
    """A response, read to its end."""

    status: int
    headers: Any
    body: Any


class Client:
    """REST with one set of credentials."""

    def __init__(self, session: aiohttp.ClientSession, base: str, token: str | None) -> None:
        self.session = session
        self.base = base
        self.headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        if token is not None:
            self.headers["Authorization"] = f"Bearer {token}"

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        url = path if path.startswith("http") else self.base + path
        extra = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.request(
            method, url, json=body, headers={**self.headers, **extra}, allow_redirects=False
        ) as response:
            text = await response.text()
            is_json = response.content_type == "application/json" and text
            return Answer(response.status, response.headers, await response.json() if is_json else text)

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.call("GET", path, **headers)

    async def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return await self.call("POST", path, body, **headers)

    async def patch(self, path: str, body: Any = None) -> Answer:
        return await self.call("PATCH", path, body)


class World:
    """Everything a test needs, by name."""

    def __init__(
        self, github: StandIn, receiver: Receiver, session: aiohttp.ClientSession, clock: Clock
    ) -> None:
        self.github = github
        self.receiver = receiver
        self.session = session
        self.clock = clock

    def jwt(self, **claims: Any) -> str:
        now = int(self.clock())
        usual = {"iat": now - 60, "exp": now + 540, "iss": str(self.github.config.app_id)}
        return jwt.encode({**usual, **claims}, self.github.private_key_pem, algorithm="RS256")

    def client(self, token: str | None) -> Client:
        return Client(self.session, self.github.api_url, token)

    def app(self) -> Client:
        return self.client(self.jwt())

    def user(self, login: str) -> Client:
        return self.client(self.github.user_token(login))

    async def token(self, **narrow: Any) -> str:
        installation = await self.app().get(f"/repos/{REPO}/installation")
        number = installation.body["id"]
        answer = await self.app().post(f"/app/installations/{number}/access_tokens", narrow)
        assert answer.status == 201, answer.body
        return str(answer.body["token"])

    async def bot(self, **narrow: Any) -> Client:
        return self.client(await self.token(**narrow))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    found = Receiver()
    app = web.Application(client_max_size=32 * 1024 * 1024)
    app.router.add_post("/webhooks/github", found.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks/github"
    yield found
    await runner.cleanup()


@pytest.fixture(scope="session")
def app_key() -> str:
    """The App's private key, made once because that takes longer than most tests."""
    return private_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))


@pytest.fixture
async def world(tmp_path: Path, receiver: Receiver, clock: Clock, app_key: str) -> AsyncIterator[World]:
    config = StandInConfig(
        state_dir=tmp_path / "github",
        spec=SPEC,
        webhook_url=receiver.url,
        clock=clock,
        private_key_pem=app_key,
        delivery_timeout=5.0,
        lag_longest=0.0,  # What is late is the subject of tests of its own.
        app_permissions=PERMISSIONS,
    )
    github = StandIn(config)
    await github.start()
    await github.create_repo(REPO, files=FILES)
    await github.add_personas(REPO)
    await github.add_team("acme", "platform", ["owner2"])
    github.set_team_permission(REPO, "platform", "write")
    async with aiohttp.ClientSession() as session:
        yield World(github, receiver, session, clock)
    await github.settled()
    await github.stop()
    assert github.crashes == []
    assert github.violations == []

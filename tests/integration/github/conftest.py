from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.adapters.github import GitHubApp, Options
from bot.domain.core.accounts import Account
from bot.domain.core.model import Repo
from bot.playground.github import StandIn, StandInConfig
from bot.playground.github.errors import ApiError
from tests.fakes import accounts
from tests.fakes.clock import PassingTime
from tests.integration.github.scripted import ScriptedGitHub

SPEC = Path(__file__).parents[2] / "data" / "github" / "openapi-subset.json"
REPO = "acme/infra"
MakeApp = Callable[..., GitHubApp]


@pytest.fixture(scope="session")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@pytest.fixture
def time() -> PassingTime:
    return PassingTime()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedGitHub]:
    server = ScriptedGitHub()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def make_app(
    scripted: ScriptedGitHub, session: aiohttp.ClientSession, private_key: str, time: PassingTime
) -> MakeApp:
    """Make an adapter that talks to the scripted server."""

    def make(**options: object) -> GitHubApp:
        chosen: dict[str, object] = {"base_url": scripted.api_url, **options}
        return GitHubApp(
            session,
            app_id="12345",
            private_key=private_key,
            clock=time,
            options=Options(**chosen),  # type: ignore[arg-type] # The tests name options as they are.
            waits=time.waits(),
        )

    return make


@pytest.fixture
def app(make_app: MakeApp) -> GitHubApp:
    return make_app()


@pytest.fixture
def repo() -> Repo:
    return Repo(owner="acme", name="infra", installation_id=77)


@dataclass(frozen=True, slots=True)
class World:
    """The stand-in with one repository, and the adapter that talks to it."""

    github: StandIn
    app: GitHubApp
    repo: Repo
    time: PassingTime

    def account(self, login: str) -> Account:
        """The account that has a login now; one that GitHub has never seen where nobody has it."""
        try:
            return accounts.account(login, self.github.account(login).id)
        except ApiError:
            return accounts.account(login)


@pytest.fixture
async def world(tmp_path: Path, session: aiohttp.ClientSession, time: PassingTime) -> AsyncIterator[World]:
    stand_in = StandIn(StandInConfig(state_dir=tmp_path, spec=SPEC, clock=time.epoch, lag_longest=0.0))
    await stand_in.start()
    await stand_in.create_repo(REPO, files={"README.md": "hello\n", "terraform/main.tf": "# ä\n"})
    await stand_in.add_personas(REPO)
    adapter = GitHubApp(
        session,
        app_id=str(stand_in.config.app_id),
        private_key=stand_in.private_key_pem,
        clock=time,
        options=Options(base_url=stand_in.api_url),
        waits=time.waits(),
    )
    yield World(stand_in, adapter, await adapter.repository(REPO), time)
    await stand_in.stop()
    assert stand_in.crashes == []
    assert stand_in.violations == []

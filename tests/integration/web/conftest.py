from __future__ import annotations

import logging
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio
from aiohttp import ClientSession, DummyCookieJar, web
from aiohttp.test_utils import TestClient, TestServer

from bot.adapters.database import Database
from bot.adapters.encryption import AesGcmCipher
from bot.adapters.sealed_objects import EncryptedObjects
from bot.composition.web import queue_loads
from bot.engine import Engine, EngineConfig
from bot.metrics import Metrics
from bot.ports import GitHub
from bot.services.access.capacities import People
from bot.services.access.code_owners import Ownership
from bot.services.access.permissions import Access
from bot.services.access.pushes import PushRecords
from bot.services.pages.overview import Overview
from bot.services.pages.run_actions import RunActs
from bot.services.stacks.policies import Policies
from bot.services.stacks.touched import Trees
from bot.web.access import Visitors
from bot.web.app import create_app, create_runner
from bot.web.services import OAuth, Pages, WebServices
from bot.web.sessions import Sessions
from tests.fakes.clock import HandClock
from tests.fakes.object_store import MemoryObjectStore
from tests.fakes.records.builders import NOON
from tests.integration.web.world import SECRET, Client, FakeGitHub, FakeLogs, World

Serve = Callable[[WebServices], Awaitable[Client]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Serve the application with these services; the client forgets cookies that no test asked it to keep."""
    clients: list[Client] = []

    async def begin(services: WebServices) -> Client:
        client = TestClient(TestServer(create_app(services)))
        await client.start_server()
        clients.append(client)
        return client

    yield begin
    for client in clients:
        await client.close()


@pytest.fixture
async def github() -> AsyncIterator[FakeGitHub]:
    fake = FakeGitHub()
    server = TestServer(fake.app())
    await server.start_server()
    fake.url = str(server.make_url("")).rstrip("/")
    yield fake
    await server.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def prepared_file(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the bot's tables and the engine's, made once because a copy costs little."""
    file = Path(shutil.copy(migrated_file, tmp_path_factory.mktemp("prepared")))
    engine = Engine(EngineConfig(database_url=f"sqlite:///{file}"))
    await engine.migrate()
    await engine.stop(0)
    assert not file.with_name("bot.db-wal").exists()
    return file


@pytest.fixture
async def database(prepared_file: Path, tmp_path: Path) -> AsyncIterator[tuple[Database, Engine]]:
    """The bot's tables and the engine's in one file; the engine accepts work and does none."""
    shutil.copy(prepared_file, tmp_path)
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    engine = Engine(EngineConfig(database_url=url))
    await engine.migrate()
    database = Database(url, engine.enqueue)
    yield database, engine
    await database.close()
    await engine.stop(0)


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession(cookie_jar=DummyCookieJar()) as session:
        yield session


@pytest.fixture
async def world(
    database: tuple[Database, Engine], serve: Serve, github: FakeGitHub, http: ClientSession
) -> World:
    records, engine = database
    clock, logs = HandClock(NOON), FakeLogs()
    oauth = OAuth(
        client_id="client id",
        client_secret="client secret",
        github_url=github.url,
        api_url=f"{github.url}/api",
        public_url="http://bot.example",
        sessions=Sessions("k" * 32, clock=clock, secure=False),
        http=http,
    )
    bucket, port = MemoryObjectStore(), cast("GitHub", github)
    acts = RunActs(
        records=records,
        github=port,
        access=Access(github=port),
        policies=Policies(github=port, records=records, clock=clock),
        people=People(
            github=port,
            ownership=Ownership(
                github=port,
                records=records,
                trees=cast("Trees", None),
                pushes=cast("PushRecords", None),
            ),
        ),
        artifacts=EncryptedObjects(objects=bucket, cipher=AesGcmCipher(b"k" * 32)),
        clock=clock,
    )
    services = WebServices(
        records=records,
        clock=clock,
        metrics=Metrics(),
        version="1.2.3",
        webhook_secret=SECRET,
        metrics_token="metrics token",
        loads=queue_loads(engine, clock),
        stranded=engine.stranded,
        pages=Pages(
            oauth=oauth,
            visitors=Visitors(github, clock),
            logs=logs,
            acts=acts,
            overview=Overview(records=records, policies=acts.policies, clock=clock),
        ),
        look_seconds=0.01,
    )
    client = await serve(services)
    return World(client, services, records, engine, clock, github, logs, acts, bucket)


@pytest.fixture
def served(world: World, serve: Serve) -> Callable[..., Awaitable[Client]]:
    """Serve the world's services with some of them changed."""

    async def begin(**changes: Any) -> Client:
        return await serve(replace(world.services, **changes))

    return begin


@pytest.fixture
async def access_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Callable[[], Awaitable[tuple[str, list[logging.LogRecord]]]]]:
    """Serve as production does; asks for one page and returns its address and the access log."""
    runner = create_runner(create_app(world.services))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/login/callback?code=secret-code&state=x"

    async def ask() -> tuple[str, list[logging.LogRecord]]:
        async with ClientSession() as session, session.get(url) as response:
            await response.read()
        return url, [record for record in caplog.records if record.name == "gatewright.access"]

    with caplog.at_level(logging.INFO, logger="gatewright.access"):
        yield ask
    await runner.cleanup()

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.adapters.terraform import Limits, Sandbox, TerraformCli
from tests.integration.terraform.bench import Bench
from tests.integration.terraform.state_server import StateServer, running_state_server

SHORT = Limits(grace=30.0, repeatable_grace=0.5, last_grace=10.0)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def state_server_of_session(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[StateServer]:
    async with running_state_server(tmp_path_factory.mktemp("weed")) as server:
        yield server


@pytest.fixture
def state(state_server_of_session: StateServer) -> StateServer:
    """Return the server with an empty bucket."""
    server = state_server_of_session
    for key in server.stored_keys():
        server.client.delete_object(Bucket="state", Key=key)
    return server


@pytest.fixture
def open_bench(state: StateServer, tmp_path: Path) -> Bench:
    """Return a bench without a sandbox."""
    return Bench(
        root=tmp_path / "slot", endpoint_url=state.endpoint_url, terraform=TerraformCli(limits=SHORT)
    )


@pytest.fixture
def sandboxed_bench(state: StateServer, tmp_path: Path) -> Bench:
    """Return a bench with a sandbox."""
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed on this machine")
    return Bench(
        root=tmp_path / "slot",
        endpoint_url=state.endpoint_url,
        terraform=TerraformCli(limits=SHORT, sandbox=Sandbox()),
    )


@pytest.fixture(params=["open", "sandboxed"])
def bench(request: pytest.FixtureRequest) -> Bench:
    """Return a bench, once without and once with a sandbox."""
    chosen: Bench = request.getfixturevalue(f"{request.param}_bench")
    return chosen

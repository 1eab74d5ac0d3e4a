from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from moto.server import ThreadedMotoServer

from bot.adapters.object_store import S3ObjectStore
from bot.ports import ObjectStore
from tests.fakes.object_store import MemoryObjectStore
from tests.integration.object_store.weed_server import ACCESS_KEY_ID, SECRET_ACCESS_KEY, running_weed

BUCKET = "gatewright"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def weed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    async with running_weed(tmp_path_factory.mktemp("weed"), BUCKET) as url:
        yield url


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["memory", "moto", "weed"])
def endpoint_url(request: pytest.FixtureRequest) -> str | None:
    """The S3 server under the store; None for the twin in memory."""
    return None if request.param == "memory" else str(request.getfixturevalue(request.param))


@pytest.fixture
async def store(endpoint_url: str | None) -> AsyncIterator[ObjectStore]:
    """An empty store."""
    if endpoint_url is None:
        yield MemoryObjectStore()
        return
    s3 = S3ObjectStore(
        endpoint_url=endpoint_url,
        region="us-east-1",
        bucket=BUCKET,
        access_key_id=ACCESS_KEY_ID,
        secret_access_key=SECRET_ACCESS_KEY,
    )
    # The servers live as long as the session: what a test leaves must not be seen by the next one.
    await s3._call("creating", lambda: _create_bucket(s3))
    for key in await s3.list(""):
        await s3.delete(key)
    yield s3
    await s3.close()


def _create_bucket(s3: S3ObjectStore) -> None:
    buckets = s3._client.list_buckets()["Buckets"]
    if BUCKET not in [bucket["Name"] for bucket in buckets]:
        s3._client.create_bucket(Bucket=BUCKET)

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp
import boto3
import pytest
import pytest_asyncio
from botocore.config import Config
from botocore.exceptions import ClientError

from bot.adapters.workspace.locks import try_lock
from bot.domain.core.errors import StoreError
from bot.playground.s3 import ARTIFACT_BUCKET, LOCK, STATE_BUCKET, EmbeddedS3, KeyPair, Purpose

ENVIRONMENTS = ("staging", "prod")
KEY = "terraform.tfstate"
Open = Callable[[EmbeddedS3, KeyPair], Any]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server") / "s3"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def s3(directory: Path) -> AsyncIterator[EmbeddedS3]:
    async with EmbeddedS3(directory, environments=ENVIRONMENTS) as server:
        yield server


@pytest.fixture
def connect() -> Iterator[Open]:
    with ExitStack() as opened:

        def connect_as(server: EmbeddedS3, pair: KeyPair) -> Any:
            client = boto3.session.Session().client(
                "s3",
                endpoint_url=server.endpoint_url,
                region_name="auto",
                aws_access_key_id=pair.access_key_id,
                aws_secret_access_key=pair.secret_access_key,
                config=Config(
                    s3={"addressing_style": "path"},
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                    retries={"max_attempts": 0},
                ),
            )
            opened.callback(client.close)
            return client

        yield connect_as


def status(call: Callable[..., Any], **arguments: Any) -> int:
    """Return the HTTP status of an S3 call."""
    try:
        return int(call(**arguments)["ResponseMetadata"]["HTTPStatusCode"])
    except ClientError as error:
        return int(error.response["ResponseMetadata"]["HTTPStatusCode"])


def put(client: Any, key: str, body: bytes = b"x", bucket: str = STATE_BUCKET, **more: str) -> int:
    return status(client.put_object, Bucket=bucket, Key=key, Body=body, **more)


def get(client: Any, key: str, bucket: str = STATE_BUCKET) -> int:
    return status(client.get_object, Bucket=bucket, Key=key)


async def test_the_bot_may_do_everything_in_both_buckets(s3: EmbeddedS3, connect: Open) -> None:
    bot = connect(s3, s3.bot)

    for bucket in (STATE_BUCKET, ARTIFACT_BUCKET):
        assert put(bot, "prod/a", bucket=bucket) == 200
        assert get(bot, "prod/a", bucket=bucket) == 200
        assert status(bot.list_objects_v2, Bucket=bucket) == 200
        assert status(bot.delete_object, Bucket=bucket, Key="prod/a") == 204
    assert put(bot, "a", bucket="another") == 403


async def test_creating_an_object_that_exists_is_refused(s3: EmbeddedS3, connect: Open) -> None:
    bot = connect(s3, s3.bot)

    statuses = [put(bot, f"staging/{KEY}.tflock", IfNoneMatch="*") for _ in range(3)]

    assert statuses == [200, 412, 412]


async def test_an_apply_identity_reaches_its_environment_only(s3: EmbeddedS3, connect: Open) -> None:
    bot, staging = connect(s3, s3.bot), connect(s3, s3.credentials("staging", Purpose.APPLY))
    put(bot, f"prod/{KEY}", b"prod's state")
    put(bot, "a", bucket=ARTIFACT_BUCKET)

    own = [
        get(staging, f"staging/own/{KEY}"),
        put(staging, f"staging/own/{KEY}"),
        put(staging, f"staging/own/{KEY}.tflock", IfNoneMatch="*"),
        put(staging, f"staging/own/{KEY}.tflock", IfNoneMatch="*"),
        status(staging.delete_object, Bucket=STATE_BUCKET, Key=f"staging/own/{KEY}.tflock"),
        get(staging, f"staging/own/{KEY}"),
        status(staging.list_objects_v2, Bucket=STATE_BUCKET, Prefix="staging/"),
    ]
    foreign = [
        get(staging, f"prod/{KEY}"),
        get(staging, "prod/none"),
        put(staging, f"prod/{KEY}"),
        put(staging, f"prod/{KEY}.tflock", IfNoneMatch="*"),
        put(staging, "staging2/x"),
        put(staging, "x"),
        status(staging.delete_object, Bucket=STATE_BUCKET, Key=f"prod/{KEY}"),
        status(
            staging.copy_object,
            Bucket=STATE_BUCKET,
            Key="staging/copy",
            CopySource={"Bucket": STATE_BUCKET, "Key": f"prod/{KEY}"},
        ),
        status(staging.list_objects_v2, Bucket=STATE_BUCKET),
        status(staging.list_objects_v2, Bucket=STATE_BUCKET, Prefix="prod/"),
        get(staging, "a", bucket=ARTIFACT_BUCKET),
        put(staging, "b", bucket=ARTIFACT_BUCKET),
        status(staging.create_bucket, Bucket="mine"),
        status(staging.delete_bucket, Bucket=STATE_BUCKET),
    ]

    assert own == [404, 200, 200, 412, 204, 200, 200]
    assert foreign == [403] * len(foreign)
    assert bot.get_object(Bucket=STATE_BUCKET, Key=f"prod/{KEY}")["Body"].read() == b"prod's state"


async def test_a_plan_identity_only_reads_its_environment(s3: EmbeddedS3, connect: Open) -> None:
    bot, plan = connect(s3, s3.bot), connect(s3, s3.credentials("staging", "plan"))
    put(bot, f"staging/{KEY}", b"staging's state")
    put(bot, f"prod/{KEY}")

    assert get(plan, f"staging/{KEY}") == 200
    assert get(plan, "staging/none") == 404
    refused = [
        put(plan, f"staging/{KEY}"),
        put(plan, f"staging/{KEY}.tflock", IfNoneMatch="*"),
        status(plan.delete_object, Bucket=STATE_BUCKET, Key=f"staging/{KEY}"),
        get(plan, f"prod/{KEY}"),
        put(plan, f"prod/{KEY}"),
    ]
    assert refused == [403] * len(refused)
    assert bot.get_object(Bucket=STATE_BUCKET, Key=f"staging/{KEY}")["Body"].read() == b"staging's state"


async def test_deleting_many_at_once_does_not_get_around_the_prefix(s3: EmbeddedS3, connect: Open) -> None:
    bot, staging = connect(s3, s3.bot), connect(s3, s3.credentials("staging", Purpose.APPLY))
    put(bot, f"prod/{KEY}")

    status(staging.delete_objects, Bucket=STATE_BUCKET, Delete={"Objects": [{"Key": f"prod/{KEY}"}]})

    assert get(bot, f"prod/{KEY}") == 200


async def test_strangers_and_wrong_secrets_are_refused(s3: EmbeddedS3, connect: Open) -> None:
    put(connect(s3, s3.bot), f"prod/{KEY}")
    wrong = KeyPair(access_key_id=s3.bot.access_key_id, secret_access_key="guessed")

    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{s3.endpoint_url}/{STATE_BUCKET}/prod/{KEY}") as answer,
    ):
        anonymous = answer.status

    assert anonymous == 403
    assert get(connect(s3, wrong), f"prod/{KEY}") == 403


def listening_ports(pid: int) -> list[tuple[str, int]]:
    """Addresses on which a process listens, from the kernel's own table."""
    inodes = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
    found = []
    for family in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{family}").read_text().splitlines()[1:]:
            words = line.split()
            address, _, port = words[1].partition(":")
            if words[3] == "0A" and f"socket:[{words[9]}]" in inodes:
                found.append((address, int(port, 16)))
    return found


async def test_every_port_is_on_loopback_and_none_gives_objects_away(s3: EmbeddedS3, connect: Open) -> None:
    put(connect(s3, s3.bot), f"prod/{KEY}", b"prod's state")
    assert s3._process is not None
    ports = listening_ports(s3._process.pid)

    async def ask(port: int) -> bytes:
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
                session.get(f"http://127.0.0.1:{port}/buckets/{STATE_BUCKET}/prod/{KEY}") as answer,
            ):
                return await answer.read()
        except (aiohttp.ClientError, TimeoutError):
            return b""

    told = await asyncio.gather(*(ask(port) for _, port in ports))
    assert {address for address, _ in ports} == {"0100007F"}
    assert len(ports) >= 5
    assert not any(b"prod's state" in answer for answer in told)


async def test_data_credentials_and_address_survive_a_restart(tmp_path: Path, connect: Open) -> None:
    async with EmbeddedS3(tmp_path / "s3", environments=["staging"]) as first:
        put(connect(first, first.bot), f"staging/{KEY}", b"kept")
        pairs = (first.bot, first.credentials("staging", Purpose.PLAN))
        address = first.endpoint_url

    async with EmbeddedS3(tmp_path / "s3", environments=["staging", "prod"]) as second:
        client = connect(second, pairs[1])
        assert (second.bot, second.credentials("staging", Purpose.PLAN), second.endpoint_url) == (
            *pairs,
            address,
        )
        assert client.get_object(Bucket=STATE_BUCKET, Key=f"staging/{KEY}")["Body"].read() == b"kept"
        assert put(connect(second, second.credentials("prod", Purpose.APPLY)), "prod/new") == 200


async def test_a_killed_server_has_lost_nothing_and_leaves_its_ports(tmp_path: Path, connect: Open) -> None:
    server = EmbeddedS3(tmp_path / "s3", environments=["staging"])
    await server.start()
    put(connect(server, server.bot), f"staging/{KEY}", b"kept")
    assert server._process is not None
    os.kill(server._process.pid, signal.SIGKILL)
    await server._process.wait()
    await server.stop()

    async with EmbeddedS3(tmp_path / "s3", environments=["staging"]) as again:
        body = connect(again, again.bot).get_object(Bucket=STATE_BUCKET, Key=f"staging/{KEY}")["Body"]
        assert body.read() == b"kept"


async def test_secrets_on_disk_are_for_their_owner_only(s3: EmbeddedS3, directory: Path) -> None:
    def readable_by_others(secret: str) -> list[Path]:
        files = [path for path in directory.rglob("*") if path.is_file()]
        return [
            path for path in files if secret.encode() in path.read_bytes() and path.stat().st_mode & 0o077
        ]

    assert readable_by_others(s3.bot.secret_access_key) == []
    assert s3.bot.secret_access_key not in repr(s3.bot)


async def test_one_directory_has_one_server(s3: EmbeddedS3, directory: Path) -> None:
    second = EmbeddedS3(directory, environments=ENVIRONMENTS, patience=0)

    with pytest.raises(StoreError, match="another S3 server is using"):
        await second.start()


async def test_a_server_waits_for_the_end_of_the_one_before(tmp_path: Path) -> None:
    # Given a directory that a server still uses whose playground was killed,
    server = EmbeddedS3(tmp_path, environments=ENVIRONMENTS)
    held = try_lock(tmp_path / LOCK)
    assert held is not None
    # when another one is started there, and the first one ends,
    starting = asyncio.create_task(server.start())
    await asyncio.sleep(0)
    os.close(held)
    # then the second one serves.
    await starting
    assert server.endpoint_url.startswith("http://127.0.0.1:")
    await server.stop(kill=True)


async def test_a_server_that_cannot_start_shows_its_log(tmp_path: Path) -> None:
    server = EmbeddedS3(tmp_path / "s3", environments=ENVIRONMENTS)
    (tmp_path / "s3" / "identities.json").write_text("not JSON")

    with pytest.raises(StoreError, match=r"identities\.json"):
        await server.start()

    await server.stop()


_PARENT = """
import asyncio, sys
from pathlib import Path
from bot.playground.s3 import EmbeddedS3

async def main():
    server = EmbeddedS3(Path(sys.argv[1]), environments=["staging"])
    await server.start()
    print(server._process.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_killed_playground_leaves_no_server_behind(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _PARENT,
        str(tmp_path / "s3"),
        cwd=Path(__file__).parents[3],
        stdout=asyncio.subprocess.PIPE,
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())

    parent.kill()
    await parent.wait()

    async with EmbeddedS3(tmp_path / "s3", environments=["staging"]) as again:
        assert again.endpoint_url.startswith("http://127.0.0.1:")
    # (it has let go of its lock in its last moment, and need not be gone yet)
    async with asyncio.timeout(30):
        while is_running(pid):  # noqa: ASYNC110 - another process ends
            await asyncio.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"

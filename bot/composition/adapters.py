"""Everything through which the process reaches the world adapters, opened together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version

import aiohttp

from bot.adapters.clock import SystemClock
from bot.adapters.database.records import Database
from bot.adapters.encryption import AesGcmCipher, EncryptionKeyError, parse_key
from bot.adapters.github.github_app import GitHubApp
from bot.adapters.github.options import Options
from bot.adapters.github.pacing import SoleLedger
from bot.adapters.object_store import S3ObjectStore
from bot.adapters.run_logs import StoredRunLogs
from bot.adapters.sealed_objects import EncryptedObjects
from bot.adapters.state_reader import StoredStates
from bot.adapters.terraform.cli import TerraformCli
from bot.adapters.terraform.sandbox import Sandbox
from bot.adapters.terraform.supervision import Limits as ProcessLimits
from bot.adapters.tracing import make_tracing
from bot.adapters.workspace.workspace import GitWorkspace
from bot.credentials import SettingsCredentials
from bot.domain.core.write_buckets import WriteLimits
from bot.domain.secrets.redaction import Redactor
from bot.engine.config import EngineConfig
from bot.engine.core import Engine
from bot.metrics import Metrics
from bot.ports import Clock
from bot.ports.tracing import Tracer
from bot.services.access.admission import Admission
from bot.services.runs.heads import Heads
from bot.settings import PREFIX, EnvironmentSecrets, Settings, SettingsError

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters:
    """The adapters, and the settings by which they were made."""

    settings: Settings
    clock: Clock
    metrics: Metrics
    tracer: Tracer
    session: aiohttp.ClientSession
    engine: Engine
    records: Database
    admission: Admission
    github: GitHubApp
    heads: Heads
    states: S3ObjectStore
    artifacts: S3ObjectStore
    stored_states: StoredStates
    sealed: EncryptedObjects
    sandbox: Sandbox | None
    terraform: TerraformCli
    workspace: GitWorkspace
    logs: StoredRunLogs
    credentials: SettingsCredentials


@asynccontextmanager
async def open_adapters(
    settings: Settings, secrets: EnvironmentSecrets, *, patience: float, listen: bool
) -> AsyncIterator[Adapters]:
    """Build every adapter without starting anything; close them at the end."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    clock, metrics, cipher = SystemClock(), Metrics(version("gatewright")), make_cipher(settings)
    async with AsyncExitStack() as stack:
        # The session is shared by all users of the pages, so it must not keep cookies.
        session = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
        engine = _make_engine(settings, listen=listen)
        records = Database(settings.database, engine.enqueue, limits=engine.session_limits)
        stack.push_async_callback(records.close)
        states = _make_store(settings, settings.state_bucket)
        stack.push_async_callback(states.close)
        artifacts = _make_store(settings, settings.artifact_bucket)
        stack.push_async_callback(artifacts.close)
        sealed = EncryptedObjects(objects=artifacts, cipher=cipher)
        tracer = make_tracing(settings.otel_exporter_otlp_endpoint, version=version("gatewright"))
        stack.push_async_callback(asyncio.to_thread, tracer.close)
        sandbox = make_sandbox(settings)
        admission = Admission(listed=settings.listed, records=records, clock=clock)
        heads = Heads(records=records, clock=clock)
        github = _make_github(settings, session, admission, metrics, records, heads=heads, patience=patience)
        stack.push_async_callback(github.close)
        yield Adapters(
            settings=settings,
            clock=clock,
            metrics=metrics,
            tracer=tracer,
            session=session,
            engine=engine,
            records=records,
            admission=admission,
            github=github,
            heads=heads,
            states=states,
            artifacts=artifacts,
            stored_states=StoredStates(states=states, artifacts=sealed),
            sealed=sealed,
            sandbox=sandbox,
            terraform=_make_terraform(settings, sandbox, tracer),
            workspace=GitWorkspace(
                data_dir=settings.data_dir.resolve(), github_url=settings.web_origin, clock=clock
            ),
            logs=StoredRunLogs(
                directory=settings.data_dir.resolve() / "logs",
                store_to=artifacts,
                cipher=cipher,
                records=records,
                clock=clock,
            ),
            credentials=SettingsCredentials(settings=settings, secrets=secrets, github=github),
        )


def make_cipher(settings: Settings) -> AesGcmCipher:
    """Return the cipher of the stored plans; SettingsError names the setting that is wrong."""
    try:
        return AesGcmCipher(parse_key(settings.encryption_key.get_secret_value()))
    except EncryptionKeyError as error:
        raise SettingsError(f"{PREFIX}ENCRYPTION_KEY: {error}") from error


def make_sandbox(settings: Settings) -> Sandbox | None:
    """Return the sandbox, None where the operator switched it off."""
    if settings.sandbox == "off":
        return None
    return Sandbox(writable=settings.sandbox_binds)


def make_redactor(settings: Settings, secrets: EnvironmentSecrets) -> Redactor:
    """Return what knows every secret of this process, for its log."""
    return Redactor((*settings.secrets(), *secrets.credential_values()))


def _make_store(settings: Settings, bucket: str) -> S3ObjectStore:
    return S3ObjectStore(
        endpoint_url=settings.s3_endpoint_url,
        region=settings.s3_region,
        bucket=bucket,
        access_key_id=settings.bot_keys.access_key_id,
        secret_access_key=settings.bot_keys.secret_access_key,
    )


def _make_engine(settings: Settings, *, listen: bool) -> Engine:
    return Engine(
        EngineConfig(
            database_url=settings.database,
            plans_per_worker=settings.max_plans,
            plans_global=settings.max_plans_total or None,
            plans_per_repository=settings.max_plans_per_repository or None,
            plans_per_environment=settings.max_plans_per_environment or None,
            changes_per_worker=settings.max_changes,
            changes_global=settings.max_changes_total or None,
            changes_per_environment=settings.max_changes_per_environment or None,
            poll_seconds=settings.poll_seconds,
            takeover_seconds=settings.takeover_seconds,
            listen=listen,
        )
    )


def _make_github(
    settings: Settings,
    session: aiohttp.ClientSession,
    admission: Admission,
    metrics: Metrics,
    records: Database,
    *,
    heads: Heads,
    patience: float,
) -> GitHubApp:
    if settings.github_write_spacing is not None:
        _LOG.warning(
            "%sGITHUB_WRITE_SPACING is deprecated: unset it, or set %sGITHUB_WRITE_LIMITS=off in place of 0",
            PREFIX,
            PREFIX,
        )
    return GitHubApp(
        session,
        app_id=settings.github_app_id,
        private_key=settings.private_key_pem,
        clock=admission.clock,
        options=Options(
            base_url=settings.github_api_url,
            write_limits=WriteLimits() if settings.keeps_write_limits else None,
            ledger=records if records.is_shared else SoleLedger(records),
            patience=patience,
            on_request=lambda _method, _route, status, seconds: metrics.github_request(
                status or None, seconds
            ),
            on_limit=metrics.github_limit,
            admitting=admission,
            heads=heads,
        ),
    )


def _make_terraform(settings: Settings, sandbox: Sandbox | None, tracer: Tracer) -> TerraformCli:
    return TerraformCli(
        binary=(settings.terraform_binary,) if settings.terraform_binary else None,
        sandbox=sandbox,
        provider_mirror=settings.provider_mirror,
        engine_copies=settings.data_dir.resolve() / "engines",
        tracer=tracer,
        limits=ProcessLimits(
            grace=settings.stop_grace_seconds, memory_bytes=settings.terraform_memory_mib << 20
        ),
    )

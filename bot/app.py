"""The composition root: the only place that names concrete classes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

import aiohttp

from bot.adapters.database.records import Database
from bot.adapters.github.github_app import GitHubApp
from bot.adapters.github.options import Options
from bot.adapters.object_store import S3ObjectStore
from bot.adapters.probes import NetworkProbes
from bot.adapters.run_logs import StoredRunLogs
from bot.adapters.terraform.cli import TerraformCli
from bot.adapters.terraform.sandbox import Sandbox
from bot.adapters.tracing import make_tracing
from bot.adapters.workspace.workspace import GitWorkspace
from bot.context import Bot
from bot.credentials import SettingsCredentials
from bot.domain.model import Login
from bot.engine.config import EngineConfig, Work
from bot.engine.core import Engine
from bot.metrics import Metrics
from bot.observing import Observing
from bot.ports import Clock
from bot.ports.tracing import Tracer
from bot.services.access import Access
from bot.services.applying import Applying
from bot.services.caretaking import Caretaking
from bot.services.changing import Changing
from bot.services.checks import Checks
from bot.services.closeouts import Closeouts
from bot.services.deployments import Deployments
from bot.services.destroy_reports import DestroyReports
from bot.services.destroying import Destroying
from bot.services.endings import Endings
from bot.services.gate_facts import GateFacts
from bot.services.interruptions import Interruptions
from bot.services.jobs import Limits, Links
from bot.services.judging import Judging
from bot.services.losses import Losses
from bot.services.measuring import Measuring
from bot.services.outdating import Outdating
from bot.services.ownership import Ownership
from bot.services.people import People
from bot.services.planning import Planning
from bot.services.policies import Policies
from bot.services.posting import Poster
from bot.services.queueing import Queueing
from bot.services.reconciling import Reconciling
from bot.services.releasing import Sources
from bot.services.reporting import Reporting
from bot.services.requesting import Requesting
from bot.services.rescues import Rescues
from bot.services.run_acts import RunActs
from bot.services.sequence_reports import SequenceReports
from bot.services.stacks import Trees
from bot.services.states import Snapshots
from bot.services.strays import Strays
from bot.services.syncing import Syncing
from bot.services.tenancy import Tenancy
from bot.services.ticking import Ticking
from bot.services.upkeep import Upkeep
from bot.services.verify_reports import VerifyReports
from bot.services.verifying import Verifying
from bot.services.waiting import Waiting
from bot.settings import EnvironmentSecrets, Settings
from bot.web.services import WebServices
from bot.wiring import (
    StoredStates,
    make_cipher,
    make_keep,
    make_pages,
    make_sandbox,
    make_terraform,
    make_work,
    queue_loads,
)
from handlers.inbox import EVENTS

_LOG = logging.getLogger(__name__)
_LOGIN = Login("gatewright")


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything that was built, for the server, for doctor and for tests."""

    settings: Settings
    clock: Clock
    database: Database
    engine: Engine
    github: GitHubApp
    states: S3ObjectStore
    artifacts: S3ObjectStore
    terraform: TerraformCli
    sandbox: Sandbox | None
    session: aiohttp.ClientSession
    logs: StoredRunLogs
    bot: Bot
    work: Work
    upkeep: Upkeep
    ticking: Ticking
    reconciling: Reconciling
    services: WebServices


def _store(settings: Settings, bucket: str) -> S3ObjectStore:
    return S3ObjectStore(
        endpoint_url=settings.s3_endpoint_url,
        region=settings.s3_region,
        bucket=bucket,
        access_key_id=settings.bot_keys.access_key_id,
        secret_access_key=settings.bot_keys.secret_access_key,
    )


def _engine(settings: Settings, *, listen: bool) -> Engine:
    return Engine(
        EngineConfig(
            database_url=settings.database,
            plans_per_worker=settings.max_plans,
            plans_global=settings.max_plans_total or None,
            plans_per_repository=settings.max_plans_per_repository or None,
            changes_per_worker=settings.max_changes,
            changes_global=settings.max_changes_total or None,
            poll_seconds=settings.poll_seconds,
            takeover_seconds=settings.takeover_seconds,
            listen=listen,
        )
    )


@asynccontextmanager
async def build(
    settings: Settings,
    secrets: EnvironmentSecrets,
    *,
    patience: float = Options().patience,
    listen: bool = True,
) -> AsyncIterator[Parts]:
    """Build everything without starting anything; closes what was opened.

    `patience` is how many seconds a call to GitHub may take with all its retries. One that does not `listen` accepts
    work and runs none.
    """
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        # The session is shared by all users of the pages, so it must not keep anybody's cookies.
        session = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
        engine = _engine(settings, listen=listen)
        database = Database(settings.database, engine.enqueue)
        stack.push_async_callback(database.close)
        states, artifacts = (
            _store(settings, settings.state_bucket),
            _store(settings, settings.artifact_bucket),
        )
        stack.push_async_callback(states.close)
        stack.push_async_callback(artifacts.close)
        tracing = make_tracing(settings.otel_exporter_otlp_endpoint, version=version("gatewright"))
        stack.push_async_callback(asyncio.to_thread, tracing.close)
        yield await _assemble(
            settings,
            secrets,
            session=session,
            engine=engine,
            database=database,
            states=states,
            artifacts=artifacts,
            tracer=tracing,
            patience=patience,
        )


async def _assemble(
    settings: Settings,
    secrets: EnvironmentSecrets,
    *,
    session: aiohttp.ClientSession,
    engine: Engine,
    database: Database,
    states: S3ObjectStore,
    artifacts: S3ObjectStore,
    tracer: Tracer,
    patience: float,
) -> Parts:
    clock, metrics = SystemClock(), Metrics(version("gatewright"))
    github = GitHubApp(
        session,
        app_id=settings.github_app_id,
        private_key=settings.private_key_pem,
        clock=clock,
        options=Options(
            base_url=settings.github_api_url,
            write_spacing=settings.github_write_spacing,
            patience=patience,
            comment_limits=Options().comment_limits if settings.github_write_spacing else (),
            on_request=lambda _method, _route, status, seconds: metrics.github_request(
                status or None, seconds
            ),
            on_limit=metrics.github_limit,
        ),
    )
    cipher = make_cipher(settings)
    sandbox = make_sandbox(settings)
    terraform = make_terraform(settings, sandbox, tracer)
    workspace = GitWorkspace(
        data_dir=settings.data_dir.resolve(), github_url=settings.web_origin, clock=clock
    )
    logs = StoredRunLogs(
        directory=settings.data_dir.resolve() / "logs",
        store_to=artifacts,
        cipher=cipher,
        records=database,
        clock=clock,
    )
    credentials = SettingsCredentials(settings=settings, secrets=secrets)
    limits = Limits(plan_timeout=settings.plan_timeout_seconds, apply_timeout=settings.apply_timeout_seconds)
    stored = StoredStates(states=states, artifacts=artifacts, cipher=cipher)
    links = Links(origin=settings.public_origin)
    access = Access(github=github)
    policies = Policies(github=github, records=database, clock=clock)
    trees = Trees(github=github, workspace=workspace)
    sources = Sources(workspace=workspace, artifacts=artifacts, cipher=cipher)
    poster = Poster(github=github, records=database)
    ownership = Ownership(github=github, records=database, trees=trees)
    requesting = Requesting(records=database, clock=clock)
    judging = Judging(
        records=database,
        github=github,
        policies=policies,
        access=access,
        states=stored,
        gate_facts=GateFacts(
            github=github,
            records=database,
            states=stored,
            trees=trees,
            ownership=ownership,
        ),
        terraform=terraform,
        clock=clock,
    )
    deployments = Deployments(github=github, records=database, links=links)
    reporting = Reporting(
        records=database,
        github=github,
        policies=policies,
        judging=judging,
        poster=poster,
        checks=Checks(github=github, records=database),
        deployments=deployments,
        links=links,
        clock=clock,
    )
    planning = Planning(
        records=database,
        github=github,
        workspace=workspace,
        terraform=terraform,
        artifacts=artifacts,
        cipher=cipher,
        clock=clock,
        policies=policies,
        trees=trees,
        states=stored,
        sources=sources,
        credentials=credentials,
        logs=logs,
        limits=limits,
    )
    snapshots = Snapshots(states=stored, records=database, clock=clock)
    endings = Endings(records=database, logs=logs, clock=clock)
    rescues = Rescues(workspace=workspace, states=stored, credentials=credentials)
    interruptions = Interruptions(
        records=database,
        workspace=workspace,
        snapshots=snapshots,
        endings=endings,
        rescues=rescues,
        patience=settings.orphan_wait_seconds,
    )
    tenancy = Tenancy(records=database, github=github, poster=poster, clock=clock)
    destroying = Destroying(
        records=database,
        github=github,
        workspace=workspace,
        terraform=terraform,
        artifacts=artifacts,
        cipher=cipher,
        clock=clock,
        policies=policies,
        snapshots=snapshots,
        credentials=credentials,
        endings=endings,
        interruptions=interruptions,
        logs=logs,
        limits=limits,
    )
    applying = Applying(
        records=database,
        workspace=workspace,
        terraform=terraform,
        artifacts=artifacts,
        cipher=cipher,
        clock=clock,
        judging=judging,
        snapshots=snapshots,
        sources=sources,
        credentials=credentials,
        endings=endings,
        interruptions=interruptions,
        logs=logs,
        limits=limits,
    )
    verifying = Verifying(
        records=database,
        github=github,
        policies=policies,
        states=stored,
        sources=sources,
        workspace=workspace,
        terraform=terraform,
        probes=NetworkProbes(allowed=settings.verify_networks, clock=clock),
        credentials=credentials,
        logs=logs,
        clock=clock,
    )
    syncing = Syncing(
        records=database,
        policies=policies,
        planning=planning,
        applying=applying,
        endings=endings,
        clock=clock,
    )
    closeouts = Closeouts(
        records=database, github=github, poster=poster, deployments=deployments, links=links
    )
    waiting = Waiting(
        records=database,
        github=github,
        requesting=requesting,
        policies=policies,
        poster=poster,
        reporting=reporting,
        clock=clock,
        start_sync=syncing.start_next,
        login=_LOGIN,
    )
    measuring = Measuring(records=database, counters=metrics)
    bot = Bot(
        rescues=rescues,
        records=database,
        github=github,
        terraform=terraform,
        clock=clock,
        policies=policies,
        access=access,
        judging=judging,
        requesting=requesting,
        trees=trees,
        tenancy=tenancy,
        poster=poster,
        reporting=reporting,
        links=links,
        measuring=measuring,
        tracer=tracer,
        people=People(github=github, ownership=ownership),
        waiting=waiting,
        syncing=syncing,
        outdating=Outdating(records=database, github=github, trees=trees, reporting=reporting, clock=clock),
        queueing=Queueing(github=github, records=database, trees=trees),
        closeouts=closeouts,
        login=_LOGIN,
    )
    changing = Changing(
        records=database,
        applying=applying,
        verifying=verifying,
        destroying=destroying,
        reporting=reporting,
        sequence_reports=SequenceReports(records=database, github=github, poster=poster),
        destroy_reports=DestroyReports(
            records=database,
            github=github,
            poster=poster,
            deployments=deployments,
            reporting=reporting,
            links=links,
        ),
        verify_reports=VerifyReports(
            records=database, github=github, poster=poster, reporting=reporting, links=links
        ),
        syncing=syncing,
        waiting=waiting,
        closeouts=closeouts,
    )
    caretaking = Caretaking(
        records=database,
        github=github,
        policies=policies,
        poster=poster,
        tenancy=tenancy,
        clock=clock,
        retry_after=timedelta(seconds=settings.destroy_retry_seconds),
    )
    losses = Losses(records=database, clock=clock)
    work = make_work(
        bot,
        planning,
        changing,
        losses=losses,
        observing=Observing(records=database, tracer=tracer, measuring=measuring),
        on_lost=metrics.lost,
    )
    acts = RunActs(
        records=database,
        github=github,
        access=access,
        policies=policies,
        people=bot.people,
        artifacts=artifacts,
        cipher=cipher,
        clock=clock,
    )
    services = WebServices(
        records=database,
        clock=clock,
        metrics=metrics,
        version=version("gatewright"),
        webhook_secret=settings.webhook_secret.get_secret_value(),
        metrics_token=settings.metrics_token.get_secret_value(),
        checks={
            "database": database.check,
            "engine": engine.check,
            "object_store": artifacts.reachable,
            "github": github.check_credentials,
        },
        loads=queue_loads(engine, clock),
        stranded=engine.stranded,
        handled_events=frozenset(event for event, _, _ in EVENTS),
        pages=make_pages(settings, github, logs, session, clock, acts=acts),
    )
    return Parts(
        settings=settings,
        clock=clock,
        database=database,
        engine=engine,
        github=github,
        states=states,
        artifacts=artifacts,
        terraform=terraform,
        sandbox=sandbox,
        session=session,
        logs=logs,
        bot=bot,
        work=work,
        upkeep=Upkeep(
            records=database,
            artifacts=artifacts,
            logs=logs,
            prune_workspace=workspace.prune,
            prune_workflows=engine.prune,
            clock=clock,
            keep=make_keep(settings),
            on_tidied=metrics.tidied,
            every=timedelta(hours=settings.upkeep_hours),
        ),
        ticking=Ticking(
            chores={"pull-request environments": caretaking.look_after}, seconds=settings.tick_seconds
        ),
        reconciling=Reconciling(
            records=database,
            github=github,
            hooks=github,
            strays=Strays(records=database, losses=losses, abandoned=engine.abandoned, clock=clock),
            clock=clock,
            every=timedelta(seconds=settings.reconcile_seconds),
        ),
        services=services,
    )

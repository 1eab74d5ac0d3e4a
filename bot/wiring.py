"""Parts of the composition root that take more than one line each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import aiohttp

from bot.adapters.encryption import AesGcmCipher, EncryptionKeyError, parse_key
from bot.adapters.run_logs import StoredRunLogs
from bot.adapters.state_reader import lock_info, read_state, snapshot
from bot.adapters.terraform.cli import TerraformCli
from bot.adapters.terraform.sandbox import Sandbox
from bot.adapters.terraform.supervision import Limits as ProcessLimits
from bot.context import Bot
from bot.domain.model import DeliveryId, RunId, StateIdentity, StateKey
from bot.domain.redaction import Redactor
from bot.engine.config import QUEUES, Work
from bot.engine.core import Engine
from bot.metrics import QueueLoad
from bot.observing import Observing
from bot.ports import Cipher, Clock, GitHub, ObjectStore
from bot.ports.tracing import Tracer
from bot.services.changing import Changing
from bot.services.code_reports import CodeReports
from bot.services.losses import Losses
from bot.services.outbox import Outbox
from bot.services.planning import Planning
from bot.services.run_acts import RunActs
from bot.services.upkeep import Keep
from bot.settings import PREFIX, EnvironmentSecrets, Settings, SettingsError
from bot.web.access import Visitors
from bot.web.services import OAuth, Pages
from bot.web.sessions import Sessions
from handlers.apologies import Apologies
from handlers.inbox import Inbox


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredStates:
    """States read from their bucket, snapshots kept in the bot's."""

    states: ObjectStore
    artifacts: ObjectStore
    cipher: Cipher

    async def read(self, key: StateKey) -> tuple[StateIdentity, bytes | None]:
        """Return what the state says of itself and its bytes."""
        return await read_state(self.states, key)

    async def keep(self, key: StateKey, identity: StateIdentity, data: bytes) -> str:
        """Store an immutable snapshot; returns its object key."""
        return await snapshot(self.artifacts, self.cipher, key, data, identity)

    async def lock_holder(self, key: StateKey) -> str | None:
        """Return who holds Terraform's own lock."""
        return await lock_info(self.states, key)


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


def make_terraform(settings: Settings, sandbox: Sandbox | None, tracer: Tracer) -> TerraformCli:
    """Return the engine's adapter."""
    return TerraformCli(
        binary=(settings.terraform_binary,) if settings.terraform_binary else None,
        sandbox=sandbox,
        provider_mirror=settings.provider_mirror,
        tracer=tracer,
        limits=ProcessLimits(grace=settings.stop_grace_seconds),
    )


def make_keep(settings: Settings) -> Keep:
    """Return how long things are kept."""

    def days(count: int) -> timedelta | None:
        return timedelta(days=count) if count else None

    return Keep(
        logs=days(settings.keep_logs_days),
        plans=days(settings.keep_plans_days),
        payloads=days(settings.keep_payloads_days),
        workflows=days(settings.keep_workflows_days),
        idle=days(settings.keep_idle_days),
    )


def make_pages(
    settings: Settings,
    github: GitHub,
    logs: StoredRunLogs,
    session: aiohttp.ClientSession,
    clock: Clock,
    *,
    acts: RunActs,
) -> Pages | None:
    """Return what the run pages need; without a session key or an OAuth client there are none."""
    key = settings.session_key.get_secret_value()
    if not key or not settings.github_client_id:
        return None
    oauth = OAuth(
        client_id=settings.github_client_id,
        client_secret=settings.github_client_secret.get_secret_value(),
        github_url=settings.web_origin,
        api_url=settings.github_api_url,
        public_url=settings.public_origin,
        sessions=Sessions(key, clock=clock, secure=settings.public_origin.startswith("https://")),
        http=session,
    )
    return Pages(oauth=oauth, visitors=Visitors(github, clock), logs=logs, acts=acts)


def make_work(
    bot: Bot,
    planning: Planning,
    changing: Changing,
    *,
    losses: Losses,
    observing: Observing,
    on_lost: Callable[[str], None],
) -> Work:
    """Return what the engine's workflows do; `on_lost` is told the name of each that is given up."""
    inbox, apologies, outbox, reporting = (
        Inbox(bot=bot),
        Apologies(bot=bot),
        Outbox(records=bot.records),
        bot.reporting,
    )
    code_reports = CodeReports(github=bot.github, records=bot.records)

    async def handle_delivery(argument: str) -> None:
        await inbox.handle(DeliveryId(argument))

    async def execute_plan(argument: str) -> None:
        await planning.execute(RunId(argument))
        await outbox.ended(RunId(argument))
        await bot.tenancy.after_plan(RunId(argument))

    async def execute_change(argument: str) -> None:
        await changing.execute(RunId(argument))
        await outbox.ended(RunId(argument))
        await bot.tenancy.after_change(RunId(argument))

    async def announce_change(argument: str) -> None:
        await reporting.announce_change(RunId(argument))

    async def report_plan(argument: str) -> None:
        await reporting.report_plan(RunId(argument))
        await code_reports.report(RunId(argument))
        await bot.waiting.planned(RunId(argument))

    async def report_change(argument: str) -> None:
        await changing.report(RunId(argument))

    async def report_loss(argument: str) -> None:
        await apologies.tell(DeliveryId(argument))

    async def lost(workflow: str, argument: str, error: str) -> None:
        on_lost(workflow)
        await losses.record(workflow, argument, error)

    return Work(
        handle_delivery=observing.delivery(handle_delivery),
        execute_plan=observing.run("plan", execute_plan, ends=True),
        execute_change=observing.run("change", execute_change, ends=True),
        announce_change=observing.run("announce", announce_change, ends=False),
        report_plan=observing.run("report", report_plan, ends=False),
        report_change=observing.run("report", report_change, ends=False),
        report_loss=report_loss,
        on_lost=lost,
    )


def queue_loads(engine: Engine, clock: Clock) -> Callable[[], Awaitable[Mapping[str, QueueLoad]]]:
    """Return what tells the load of each queue for the metrics."""

    async def loads() -> Mapping[str, QueueLoad]:
        now = clock.now().timestamp()
        found = dict.fromkeys(sorted(QUEUES), QueueLoad())
        for load in await engine.loads():
            age = max(0.0, now - load.since)
            now_there = found[load.queue]
            found[load.queue] = (
                replace(now_there, waiting=load.count, oldest_waiting=age)
                if load.waits
                else replace(now_there, running=load.count, oldest_running=age)
            )
        return found

    return loads


def make_redactor(settings: Settings, secrets: EnvironmentSecrets) -> Redactor:
    """Return what knows every secret of this process, for its log."""
    return Redactor((*settings.secrets(), *secrets.credential_values()))

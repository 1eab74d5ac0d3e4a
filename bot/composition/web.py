"""What requests may reach."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from importlib.metadata import version

from bot.composition.outside import Outside
from bot.composition.services import Services
from bot.engine.config import QUEUES
from bot.engine.core import Engine
from bot.metrics import QueueLoad
from bot.ports import Clock, Reader
from bot.services.overview import Overview
from bot.services.run_acts import RunActs
from bot.web.access import Visitors
from bot.web.events import IncomingEvent
from bot.web.services import OAuth, Pages, WebServices
from bot.web.sessions import Sessions
from handlers.inbox import EVENTS, passed_over


def make_web(outside: Outside, services: Services) -> WebServices:
    """Return what the web part is given."""
    settings = outside.settings
    return WebServices(
        records=outside.records,
        clock=outside.clock,
        metrics=outside.metrics,
        version=version("gatewright"),
        webhook_secret=settings.webhook_secret.get_secret_value(),
        metrics_token=settings.metrics_token.get_secret_value(),
        checks={
            "database": outside.records.check,
            "engine": outside.engine.check,
            "object_store": outside.artifacts.reachable,
            "github": outside.github.check_credentials,
        },
        loads=queue_loads(outside.engine, outside.clock),
        stranded=outside.engine.stranded,
        receive=outside.admission.receive,
        remarks=lambda: _remarks(outside),
        handled_events=frozenset(event for event, _, _ in EVENTS),
        passed_over=why_ignored,
        pages=_make_pages(outside, services),
    )


async def why_ignored(reader: Reader, event: IncomingEvent) -> str | None:
    """Return why nothing has to be done for an event, None where it is handled."""
    return await passed_over(reader, event.event, event.action, event.repo_full_name, event.payload)


async def _remarks(outside: Outside) -> Mapping[str, str]:
    """Return what `/readyz` says beside its parts; it is open to everybody, so it names no repository."""
    count = await outside.admission.replaced()
    if not count:
        return {}
    return {"repositories": f"{count} listed names are other repositories now: run `gatewright doctor`"}


def _make_pages(outside: Outside, services: Services) -> Pages | None:
    """Return what the run pages need; without a session key or an OAuth client there are none."""
    settings = outside.settings
    key = settings.session_key.get_secret_value()
    if not key or not settings.github_client_id:
        return None
    oauth = OAuth(
        client_id=settings.github_client_id,
        client_secret=settings.github_client_secret.get_secret_value(),
        github_url=settings.web_origin,
        api_url=settings.github_api_url,
        public_url=settings.public_origin,
        sessions=Sessions(key, clock=outside.clock, secure=settings.public_origin.startswith("https://")),
        http=outside.session,
    )
    acts = RunActs(
        records=outside.records,
        github=outside.github,
        access=services.access,
        policies=services.policies,
        people=services.people,
        artifacts=outside.artifacts,
        cipher=outside.cipher,
        clock=outside.clock,
    )
    return Pages(
        oauth=oauth,
        visitors=Visitors(outside.github, outside.clock, outside.admission.serves),
        logs=outside.logs,
        acts=acts,
        overview=Overview(records=outside.records, policies=services.policies, clock=outside.clock),
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

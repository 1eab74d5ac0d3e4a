"""What requests may reach."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from importlib.metadata import version

from bot.composition.adapters import Adapters
from bot.composition.services import Services
from bot.engine.config import QUEUES
from bot.engine.core import Engine
from bot.metrics import QueueLoad
from bot.ports import Clock, Reader
from bot.services.pages.overview import Overview
from bot.services.pages.run_actions import RunActs
from bot.web.access import Visitors
from bot.web.events import IncomingEvent
from bot.web.services import OAuth, Pages, WebServices
from bot.web.sessions import Sessions
from handlers.inbox import EVENTS, passed_over


def make_web(adapters: Adapters, services: Services) -> WebServices:
    """Build the services of the web server."""
    settings = adapters.settings
    return WebServices(
        records=adapters.records,
        clock=adapters.clock,
        metrics=adapters.metrics,
        version=version("gatewright"),
        webhook_secret=settings.webhook_secret.get_secret_value(),
        metrics_token=settings.metrics_token.get_secret_value(),
        checks={
            "database": adapters.records.check,
            "engine": adapters.engine.check,
            "object_store": adapters.artifacts.reachable,
            "github": adapters.github.check_credentials,
        },
        loads=queue_loads(adapters.engine, adapters.clock),
        stranded=adapters.engine.stranded,
        receive=adapters.admission.receive,
        remarks=lambda: _remarks(adapters),
        handled_events=frozenset(event for event, _, _ in EVENTS),
        passed_over=why_ignored,
        pages=_make_pages(adapters, services),
    )


async def why_ignored(reader: Reader, event: IncomingEvent) -> str | None:
    """Return why nothing has to be done for an event, None where it is handled."""
    return await passed_over(reader, event.event, event.action, event.repo_full_name, event.payload)


async def _remarks(adapters: Adapters) -> Mapping[str, str]:
    """Return further remarks for `/readyz`, which is public: no repository is named."""
    count = await adapters.admission.replaced()
    if not count:
        return {}
    return {"repositories": f"{count} listed names are other repositories now: run `gatewright doctor`"}


def _make_pages(adapters: Adapters, services: Services) -> Pages | None:
    """Build the services of the run pages; None without a session key or an OAuth client."""
    settings = adapters.settings
    key = settings.session_key.get_secret_value()
    if not key or not settings.github_client_id:
        return None
    oauth = OAuth(
        client_id=settings.github_client_id,
        client_secret=settings.github_client_secret.get_secret_value(),
        github_url=settings.web_origin,
        api_url=settings.github_api_url,
        public_url=settings.public_origin,
        sessions=Sessions(key, clock=adapters.clock, secure=settings.public_origin.startswith("https://")),
        http=adapters.session,
    )
    acts = RunActs(
        records=adapters.records,
        github=adapters.github,
        access=services.access,
        policies=services.policies,
        people=services.people,
        artifacts=adapters.sealed,
        clock=adapters.clock,
    )
    return Pages(
        oauth=oauth,
        visitors=Visitors(adapters.github, adapters.clock, adapters.admission.serves),
        logs=adapters.logs,
        acts=acts,
        overview=Overview(records=adapters.records, policies=services.policies, clock=adapters.clock),
    )


def queue_loads(engine: Engine, clock: Clock) -> Callable[[], Awaitable[Mapping[str, QueueLoad]]]:
    """Return a function that reads the load of each queue for the metrics."""

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

"""`POST /webhooks/github`: check, then record and enqueue in one transaction."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from bot.domain.core.errors import GatewrightError
from bot.logs import working_on
from bot.ports import Delivery, Writer
from bot.services.access.admission import Sender
from bot.services.runs.intake import take_in
from bot.web.events import BadRequest, IncomingEvent, parse_event
from bot.web.services import SERVICES, WebServices

_log = logging.getLogger(__name__)
_RETRY_AFTER: Final = "30"
_LONG: Final = 256 * 1024


async def receive(request: web.Request) -> web.Response:
    """Answer 202 accepted or ignored, 200 duplicate, 4xx refused, 503 without a database."""
    services = request.app[SERVICES]
    try:
        body = await _read(request, services)
        event = await _parse(request.headers, body, services.webhook_secret)
    except BadRequest as refusal:
        services.metrics.delivery("-", "refused")
        return web.json_response({"error": refusal.reason}, status=refusal.status)
    with working_on(delivery_id=event.delivery_id, repo=event.repo_full_name, pull=event.pull):
        return await _answer(services, event, body)


async def _answer(services: WebServices, event: IncomingEvent, body: bytes) -> web.Response:
    try:
        outcome = await _record(services, event, body)
    except GatewrightError as error:
        _log.exception("delivery %s could not be recorded", event.delivery_id)
        services.metrics.delivery(event.event, type(error).__name__)
        answer = {"error": "the delivery could not be recorded; send it again later"}
        return web.json_response(answer, status=503, headers={"Retry-After": _RETRY_AFTER})
    services.metrics.delivery(event.event, outcome)
    answer = {"delivery": event.delivery_id, "status": outcome}
    return web.json_response(answer, status=200 if outcome == "duplicate" else 202)


async def _parse(headers: Mapping[str, str], body: bytes, secret: str) -> IncomingEvent:
    parse = partial(parse_event, headers, body, secret=secret)
    # Hash and parse a long body in a thread, so that it does not block other requests.
    return await asyncio.to_thread(parse) if len(body) > _LONG else parse()


async def _read(request: web.Request, services: WebServices) -> bytes:
    """Return the decompressed body; BadRequest when it is too long, too slow or broken."""
    if (request.content_length or 0) > services.max_body:
        raise BadRequest(413, f"the body is longer than {services.max_body} bytes")
    try:
        async with asyncio.timeout(services.body_seconds):
            # It counts what was decompressed, and stops at the application's `client_max_size`.
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise BadRequest(413, f"the body is longer than {services.max_body} bytes") from None
    except TimeoutError:
        raise BadRequest(408, "the body did not arrive in time") from None
    except (web.RequestPayloadError, HttpProcessingError):
        raise BadRequest(400, "the body is broken") from None


async def _record(services: WebServices, event: IncomingEvent, body: bytes) -> str:
    async with services.records.write() as writer:
        # A redelivery is judged once more, and then found known by the insert: no query is spent on all others.
        why = await _ignored(services, writer, event)
        delivery = Delivery(
            id=event.delivery_id,
            event=event.event,
            action=event.action,
            repo=event.repo_full_name,
            pull=event.pull,
            # An ignored delivery is recorded without its body, to save space.
            payload=body if why is None else b"",
            received_at=services.clock.now(),
            outcome=None if why is None else "ignored",
            note=why,
        )
        if not await take_in(writer, delivery, asked=event.payload.is_command):
            return "duplicate"
    return "accepted" if why is None else "ignored"


async def _ignored(services: WebServices, writer: Writer, event: IncomingEvent) -> str | None:
    """Return why nothing is done for a delivery, None where something is."""
    if services.receive is not None and event.repo_full_name is not None and event.repo_id is not None:
        sender = Sender(full_name=event.repo_full_name, id=event.repo_id, login=event.sender)
        why = await services.receive(writer, sender)
        if why is not None:
            return f"the repository is not served ({why})"
    if services.handled_events is not None and event.event not in services.handled_events:
        return "nothing handles this event"
    return None if services.passed_over is None else await services.passed_over(writer, event)

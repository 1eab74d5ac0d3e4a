"""A stored delivery on its way to the handler of its event."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.context import Bot
from bot.domain.errors import GatewrightError
from bot.domain.model import DeliveryId
from bot.events import Payload, payload_of
from bot.ports import Delivery, Reader
from bot.services.losses import shown
from bot.services.outbox import apology_for
from handlers import (
    on_check_run,
    on_checks,
    on_comment,
    on_merge_group,
    on_pull_request,
    on_push,
    on_review,
)

_LOG = logging.getLogger(__name__)

EventHandler = Callable[[Delivery, Payload, Bot], Awaitable[str]]
"""Returns one line on what was done, for the record."""

EVENTS: tuple[tuple[str, frozenset[str | None], EventHandler], ...] = (
    ("issue_comment", frozenset({"created"}), on_comment.handle),
    (
        "pull_request",
        frozenset({"opened", "reopened", "ready_for_review", "synchronize"}),
        on_pull_request.handle_commits,
    ),
    ("pull_request", frozenset({"edited"}), on_pull_request.handle_edited),
    ("pull_request", frozenset({"closed"}), on_pull_request.handle_closed),
    ("pull_request_review", frozenset({"submitted", "dismissed"}), on_review.handle),
    ("merge_group", frozenset({"checks_requested"}), on_merge_group.handle),
    ("push", frozenset({None}), on_push.handle),
    ("check_run", frozenset({"rerequested", "requested_action"}), on_check_run.handle),
    ("check_run", frozenset({"completed"}), on_checks.handle),
    ("status", frozenset({None}), on_checks.handle),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """Handles each delivery to one recorded outcome."""

    bot: Bot

    async def handle(self, delivery_id: DeliveryId) -> None:
        """Handle a delivery; only what is passing is raised, so that the step is tried again."""
        async with self.bot.records.read() as reader:
            delivery = await reader.delivery(delivery_id)
        if delivery is None or delivery.outcome is not None:
            return
        outcome, note = await self._outcome(delivery)
        async with self.bot.records.write() as writer:
            await writer.finish_delivery(delivery_id, outcome, note)
            apology = apology_for(delivery) if outcome == "failed" else None
            if apology is not None:
                await writer.enqueue(apology)

    async def _outcome(self, delivery: Delivery) -> tuple[str, str]:
        """Return the outcome and a note, which is fit to be shown."""
        handler = _handler_of(delivery.event, delivery.action)
        if handler is None:
            return "ignored", _nothing_done(delivery.event, delivery.action)
        try:
            payload = payload_of(delivery.event, delivery.payload)
            if not await self._is_served(delivery, payload):
                return "ignored", "the repository is not served any more"
            with self.bot.tracer.span("handler", event=delivery.event, action=delivery.action):
                note = await handler(delivery, payload, self.bot)
        except Exception as error:
            if isinstance(error, GatewrightError) and error.passing:
                raise
            _LOG.exception("delivery %s could not be handled", delivery.id)
            return "failed", shown(f"{type(error).__name__}: {error}")
        await self._show(delivery)
        return "handled", note

    async def _is_served(self, delivery: Delivery, payload: Payload) -> bool:
        """Whether the operator still lists the repository: the delivery may have waited for longer than that."""
        if delivery.repo is None:
            return True
        number = None if payload.repository is None else payload.repository.id
        return await self.bot.admission.admits(delivery.repo, number)

    async def _show(self, delivery: Delivery) -> None:
        """Bring the pull request's other comments up to date, now that somebody looks at it."""
        if delivery.repo is None or delivery.pull is None:
            return
        try:
            await self.bot.plan_comments.show(delivery.repo, pull=delivery.pull)
        except GatewrightError:
            _LOG.warning("comments of %s#%s stay old", delivery.repo, delivery.pull, exc_info=True)


async def passed_over(
    reader: Reader, event: str, action: str | None, repo: str | None, payload: Payload
) -> str | None:
    """Return why nothing is done for an event that has just arrived, None where it has to be handled.

    Busy repositories report thousands of checks an hour, so this asks the database and never GitHub.
    """
    handler = _handler_of(event, action)
    if handler is None:
        return _nothing_done(event, action)
    if handler is not on_checks.handle:
        return None
    sha = on_checks.reported_commit(payload)
    if repo is None or sha is None:
        return on_checks.NOT_ABOUT_A_CHECK
    return None if await reader.pulls_planned_at(repo, sha) else on_checks.NO_PLAN


def _nothing_done(event: str, action: str | None) -> str:
    return f"nothing is done for {event} {action or ''}".rstrip()


def _handler_of(event: str, action: str | None) -> EventHandler | None:
    for name, actions, handler in EVENTS:
        if name == event and action in actions:
            return handler
    return None

"""A stored delivery on its way to the handler of its event."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.context import Bot
from bot.domain.core.errors import GatewrightError, GitHubLagError
from bot.domain.core.model import DeliveryId
from bot.events import Payload, payload_of
from bot.ports import Delivery, Reader
from bot.services.recovery.dead_letters import shown
from bot.services.runs.outbox import apology_for
from handlers.events import (
    check_runs,
    check_suites,
    closed_pull_requests,
    comments,
    merge_groups,
    pull_requests,
    pushes,
    reported_checks,
    reviews,
)
from handlers.github_lag import is_behind, is_fresh

_LOG = logging.getLogger(__name__)

EventHandler = Callable[[Delivery, Payload, Bot], Awaitable[str]]
"""Handles a delivery; returns one line for the record."""

EVENTS: tuple[tuple[str, frozenset[str | None], EventHandler], ...] = (
    ("issue_comment", frozenset({"created"}), comments.handle),
    (
        "pull_request",
        frozenset({"opened", "reopened", "ready_for_review", "synchronize"}),
        pull_requests.handle_commits,
    ),
    ("pull_request", frozenset({"edited"}), pull_requests.handle_edited),
    ("pull_request", frozenset({"closed"}), closed_pull_requests.handle),
    ("pull_request_review", frozenset({"submitted", "dismissed"}), reviews.handle),
    ("merge_group", frozenset({"checks_requested"}), merge_groups.handle),
    ("push", frozenset({None}), pushes.handle),
    ("check_run", frozenset({"rerequested", "requested_action"}), check_runs.handle),
    ("check_suite", frozenset({"rerequested"}), check_suites.handle),
    ("check_run", frozenset({"completed"}), reported_checks.handle),
    ("status", frozenset({None}), reported_checks.handle),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """Handles each delivery to one recorded outcome."""

    bot: Bot

    async def handle(self, delivery_id: DeliveryId) -> str | None:
        """Handle a delivery and return its outcome; None where it had one before.

        Only temporary errors are raised, so that the call is retried.
        """
        async with self.bot.records.read() as reader:
            delivery = await reader.delivery(delivery_id)
        if delivery is None or delivery.outcome is not None:
            return None
        outcome, note = await self._outcome(delivery)
        async with self.bot.records.write() as writer:
            await writer.finish_delivery(delivery_id, outcome, note)
            apology = apology_for(delivery) if outcome == "failed" else None
            if apology is not None:
                await writer.enqueue(apology)
        return outcome

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
            if isinstance(error, GatewrightError) and error.temporary:
                raise
            if is_behind(error) and is_fresh(delivery, self.bot):
                raise GitHubLagError(f"GitHub is behind its delivery {delivery.id}: {error}") from error
            _LOG.exception("delivery %s could not be handled", delivery.id)
            return "failed", shown(f"{type(error).__name__}: {error}")
        await self._show(delivery)
        return "handled", note

    async def _is_served(self, delivery: Delivery, payload: Payload) -> bool:
        """Whether the operator still lists the repository of a delivery that has waited."""
        if delivery.repo is None:
            return True
        number = None if payload.repository is None else payload.repository.id
        return await self.bot.admission.admits(delivery.repo, number)

    async def _show(self, delivery: Delivery) -> None:
        """Update the pull request's other comments."""
        if delivery.repo is None or delivery.pull is None:
            return
        try:
            await self.bot.plan_comments.show(delivery.repo, pull=delivery.pull)
        except GatewrightError:
            _LOG.warning("comments of %s#%s stay old", delivery.repo, delivery.pull, exc_info=True)


async def passed_over(
    reader: Reader, event: str, action: str | None, repo: str | None, payload: Payload
) -> str | None:
    """Return why a new event is ignored, None where it must be handled."""
    handler = _handler_of(event, action)
    if handler is None:
        return _nothing_done(event, action)
    if handler is comments.handle and payload.comment is not None and payload.comment.is_by_a_machine:
        return comments.BY_A_MACHINE
    if handler is not reported_checks.handle:
        return None
    # Busy repositories report thousands of checks an hour: only the database is read, never GitHub.
    sha = reported_checks.reported_commit(payload)
    if repo is None or sha is None:
        return reported_checks.NOT_ABOUT_A_CHECK
    return None if await reader.pulls_planned_at(repo, sha) else reported_checks.NO_PLAN


def _nothing_done(event: str, action: str | None) -> str:
    return f"nothing is done for {event} {action or ''}".rstrip()


def _handler_of(event: str, action: str | None) -> EventHandler | None:
    for name, actions, handler in EVENTS:
        if name == event and action in actions:
            return handler
    return None

"""Recording and queueing a delivery in one transaction."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bot.domain.core.workflows import HANDLE_CHECK, HANDLE_DELIVERY
from bot.ports import Delivery, Job, Writer

CHECK_EVENTS: Final = frozenset({"status", "check_run"})
"""Events with which other programs report their checks."""
_GATHERED: Final = timedelta(seconds=5)
"""How long the reports on a commit are gathered: the checks of a push end in bursts."""
_NO_REPOSITORY = "app"
"""Partition of deliveries without a repository; no repository has this name without a slash."""


async def take_in(writer: Writer, delivery: Delivery, *, asked: bool = False) -> bool:
    """Record a delivery and queue its handling unless it has an outcome already.

    False when its id is known. `asked`: it is a command, whose answer a person waits for.
    """
    if not await writer.add_delivery(delivery):
        return False
    if delivery.outcome is None:
        await writer.enqueue(job_of_delivery(delivery, asked=asked))
    return True


def is_report(event: str, action: str | None) -> bool:
    """Whether an event reports the result of a check.

    Buttons and re-runs of our own checks are commands.
    """
    return event in CHECK_EVENTS and action in {None, "completed"}


def job_of_delivery(delivery: Delivery, *, asked: bool = False) -> Job:
    """Return the job that handles a delivery, in order per pull request.

    What other programs report has a queue of its own: it is most of all deliveries, and no person waits for it.
    """
    repo = delivery.repo or _NO_REPOSITORY
    if is_report(delivery.event, delivery.action):
        return Job(
            workflow=HANDLE_CHECK.name,
            id=f"delivery-{delivery.id}",
            argument=delivery.id,
            queue=HANDLE_CHECK.queue,
            partition=repo,
            delay=_GATHERED,
        )
    return Job(
        workflow=HANDLE_DELIVERY.name,
        id=f"delivery-{delivery.id}",
        argument=delivery.id,
        queue=HANDLE_DELIVERY.queue,
        partition=repo if delivery.pull is None else f"{repo}#{delivery.pull}",
        asked=asked,
    )

"""Taking in a delivery: recorded and queued in one transaction, whoever brings it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bot.ports import Delivery, Job, Writer

CHECK_EVENTS: Final = frozenset({"status", "check_run"})
"""Events by which other programs tell of their checks."""
_GATHERED: Final = timedelta(seconds=5)
"""How long the reports on a commit are gathered: the checks of a push end in bursts."""
_NO_REPOSITORY = "app"
"""Partition of deliveries that are about no repository; no repository is called so, each has a slash."""


async def take_in(writer: Writer, delivery: Delivery) -> bool:
    """Record a delivery and queue its handling unless it has an outcome already; False when its id is known."""
    if not await writer.add_delivery(delivery):
        return False
    if delivery.outcome is None:
        await writer.enqueue(job_of_delivery(delivery))
    return True


def is_report(event: str, action: str | None) -> bool:
    """Whether an event tells how a check went; buttons and re-runs of our own checks are commands."""
    return event in CHECK_EVENTS and action in {None, "completed"}


def job_of_delivery(delivery: Delivery) -> Job:
    """Return the job that handles a delivery, in order per pull request.

    What other programs report has a queue of its own: there is more of it than of all else, and nobody waits for it.
    """
    repo = delivery.repo or _NO_REPOSITORY
    if is_report(delivery.event, delivery.action):
        return Job(
            workflow="handle_check",
            id=f"delivery-{delivery.id}",
            argument=delivery.id,
            queue="checks",
            partition=repo,
            delay=_GATHERED,
        )
    return Job(
        workflow="handle_delivery",
        id=f"delivery-{delivery.id}",
        argument=delivery.id,
        queue="inbox",
        partition=repo if delivery.pull is None else f"{repo}#{delivery.pull}",
    )

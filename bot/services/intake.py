"""Taking in a delivery: recorded and queued in one transaction, whoever brings it."""

from __future__ import annotations

from bot.ports import Delivery, Job, Writer

_NO_REPOSITORY = "app"
"""Partition of deliveries that are about no repository; no repository is called so, each has a slash."""


async def take_in(writer: Writer, delivery: Delivery) -> bool:
    """Record a delivery and queue its handling unless it has an outcome already; False when its id is known."""
    if not await writer.add_delivery(delivery):
        return False
    if delivery.outcome is None:
        await writer.enqueue(job_of_delivery(delivery))
    return True


def job_of_delivery(delivery: Delivery) -> Job:
    """Return the job that handles a delivery, in order per pull request."""
    repo = delivery.repo or _NO_REPOSITORY
    return Job(
        workflow="handle_delivery",
        id=f"delivery-{delivery.id}",
        argument=delivery.id,
        queue="inbox",
        partition=repo if delivery.pull is None else f"{repo}#{delivery.pull}",
    )

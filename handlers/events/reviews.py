"""Judge gates again when a review is submitted or dismissed."""

from __future__ import annotations

from bot.context import Bot
from bot.events import Payload
from bot.ports import Delivery

_REMARK = "commented"


async def handle(delivery: Delivery, payload: Payload, bot: Bot) -> str:
    """Judge the open plans of the pull request again, and update their comments."""
    if delivery.repo is None or delivery.pull is None or payload.review is None:
        return "not about a pull request"
    await bot.pushes.record_review(delivery, payload)
    if delivery.action == "submitted" and payload.review.state.lower() == _REMARK:
        return "a remark is no opinion"
    repo, pull = await bot.github.subject(delivery.repo, delivery.pull)
    if not pull.is_open:
        return "the pull request is closed by now"
    return f"{await bot.plan_comments.refresh_judged(repo, pull)} plans judged again"

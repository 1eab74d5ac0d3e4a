"""GitHub's merge queue asks whether a group of pull requests may be merged."""

from __future__ import annotations

from bot.context import Bot
from bot.domain.errors import PolicyError
from bot.domain.model import Sha
from bot.events import MergeGroupPayload, Payload
from bot.ports import Delivery

_BRANCHES = "refs/heads/"


async def handle(delivery: Delivery, payload: Payload, bot: Bot) -> str:  # noqa: ARG001 - one signature for all
    """Answer with the two checks, on the group's own commit."""
    if not isinstance(payload, MergeGroupPayload) or payload.repository is None:
        return "not a merge group"
    group = payload.merge_group
    repo = await bot.github.repository(payload.repository.full_name)
    try:
        policy = (await bot.policies.load(repo)).policy
    except PolicyError:
        policy = None
    await bot.queueing.answer(
        repo,
        policy,
        branch=group.head_ref.removeprefix(_BRANCHES),
        base=Sha(group.base_sha),
        head=Sha(group.head_sha),
    )
    return "answered"

"""Commits were pushed to a base branch: plans that they concern are stale at once."""

from __future__ import annotations

from bot.context import Bot
from bot.domain.errors import PolicyError
from bot.domain.model import Sha
from bot.events import Payload, PushPayload
from bot.ports import Delivery

_BRANCHES = "refs/heads/"


async def handle(delivery: Delivery, payload: Payload, bot: Bot) -> str:  # noqa: ARG001 - one signature for all
    """Mark them in the store, all at once; their comments follow a few at a time."""
    if not isinstance(payload, PushPayload) or payload.repository is None:
        return "not a push"
    if payload.created or payload.deleted or not payload.ref.startswith(_BRANCHES):
        return "no branch has moved"
    branch = payload.ref.removeprefix(_BRANCHES)
    repo = await bot.github.repository(payload.repository.full_name)
    try:
        policy = (await bot.policies.load(repo)).policy
    except PolicyError:
        return "the policy is not valid"
    if not policy.serves(branch, default_branch=repo.default_branch):
        return f"nothing is planned for {branch}"
    stale = await bot.outdating.base_moved(
        repo, policy, branch=branch, before=Sha(payload.before), after=Sha(payload.after)
    )
    return f"{stale} plans are stale"

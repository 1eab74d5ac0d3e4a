"""Record who pushed, and mark the plans stale that a moved base concerns."""

from __future__ import annotations

from bot.context import Bot
from bot.domain.core.errors import PolicyError
from bot.domain.core.model import Sha
from bot.events import Payload, PushPayload
from bot.ports import Delivery

_BRANCHES = "refs/heads/"


async def handle(delivery: Delivery, payload: Payload, bot: Bot) -> str:
    """Record the push, and mark stale plans; their comments follow a few at a time."""
    await bot.pushes.record(delivery, payload)
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
    stale = await bot.base_pushes.base_moved(
        repo, policy, branch=branch, before=Sha(payload.before), after=Sha(payload.after)
    )
    return f"{stale} plans are stale"

"""Another program has reported on a commit: the gate `checks` may say something else now."""

from __future__ import annotations

from bot.context import Bot
from bot.domain.errors import PolicyError
from bot.domain.model import PlanStatus, Repo, Sha
from bot.events import Payload
from bot.ports import Delivery

_OURS = "gatewright/"
_GATE = "checks"


async def handle(delivery: Delivery, payload: Payload, bot: Bot) -> str:
    """Judge the open plans of the commit anew, where a policy asks for the checks of others."""
    if delivery.repo is None or (sha := _commit(payload)) is None:
        return "not about another program's check"
    repo = await bot.github.repository(delivery.repo)
    if not await _is_asked_for(repo, bot):
        return "no policy asks for other checks"
    async with bot.records.read() as reader:
        plans = await reader.plans(repo=repo.full_name, statuses=(PlanStatus.PLANNED,), limit=1000)
    pulls = sorted({plan.pull for plan in plans if plan.head_sha == sha and plan.pull is not None})
    judged = 0
    for number in pulls:
        pull = await bot.github.pull(repo, number)
        if pull.is_open and pull.head_sha == sha:
            judged += await bot.plan_comments.refresh_judged(repo, pull)
    return f"{judged} plans judged anew"


def _commit(payload: Payload) -> Sha | None:
    check = payload.check_run
    if check is not None:
        return None if check.name.startswith(_OURS) else Sha(check.head_sha)
    return None if payload.sha is None else Sha(payload.sha)


async def _is_asked_for(repo: Repo, bot: Bot) -> bool:
    try:
        policy = (await bot.policies.load(repo)).policy
    except PolicyError:
        return False
    return any(_GATE in policy.environment(name).apply.gates for name in policy.environments)

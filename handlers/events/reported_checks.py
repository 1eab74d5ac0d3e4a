"""Judge gates again when another program reports on a commit."""

from __future__ import annotations

from typing import Final

from bot.context import Bot
from bot.domain.core.errors import PolicyError
from bot.domain.core.model import Repo, Sha
from bot.domain.gates.change import CHECKS
from bot.events import BadRequest, Payload, payload_of
from bot.ports import Delivery
from bot.services.runs.intake import CHECK_EVENTS, is_report

NOT_ABOUT_A_CHECK: Final = "not about another program's check"
NO_PLAN: Final = "no plan that can be applied is of this commit"
_OURS = "gatewright/"
_MOST_AT_ONCE: Final = 200


async def handle(delivery: Delivery, payload: Payload, bot: Bot) -> str:
    """Judge the open plans of the commit again, where a policy has the gate `checks`."""
    if delivery.repo is None or (sha := reported_commit(payload)) is None:
        return NOT_ABOUT_A_CHECK
    # All reports on the commit so far are handled together. They are listed first: one that comes while the plans
    # are judged may be missing from GitHub's answers.
    others = await _of_commit(delivery, delivery.repo, sha, bot)
    note = await _judge(delivery.repo, sha, bot)
    async with bot.records.write() as writer:
        for other in others:
            await writer.finish_delivery(other.id, "handled", f"answered together with {delivery.id}")
    return note


def reported_commit(payload: Payload) -> Sha | None:
    """Return the commit that another program reports on, None for our own checks."""
    check = payload.check_run
    if check is not None:
        return None if check.name.startswith(_OURS) else Sha(check.head_sha)
    return None if payload.sha is None else Sha(payload.sha)


async def _judge(full_name: str, sha: Sha, bot: Bot) -> str:
    async with bot.records.read() as reader:
        pulls = await reader.pulls_planned_at(full_name, sha)
    if not pulls:
        return NO_PLAN
    repo = await bot.github.known_repository(full_name)
    if not await _is_asked_for(repo, bot):
        return "no policy has the gate `checks`"
    judged = 0
    for number in pulls:
        pull = await bot.github.pull(repo, number)
        if pull.is_open and pull.head_sha == sha:
            judged += await bot.plan_comments.refresh_judged(repo, pull)
    return f"{judged} plans judged again"


async def _of_commit(delivery: Delivery, full_name: str, sha: Sha, bot: Bot) -> list[Delivery]:
    """Return the other reports on the commit that wait to be handled."""
    async with bot.records.read() as reader:
        waiting = await reader.open_reports(full_name, sorted(CHECK_EVENTS), limit=_MOST_AT_ONCE)
    return [
        other
        for other in waiting
        if other.id != delivery.id and is_report(other.event, other.action) and _commit_of(other) == sha
    ]


def _commit_of(delivery: Delivery) -> Sha | None:
    try:
        return reported_commit(payload_of(delivery.event, delivery.payload))
    except BadRequest:
        return None  # Its own turn says so.


async def _is_asked_for(repo: Repo, bot: Bot) -> bool:
    try:
        # It only selects the plans to update, so the policy that was last read is good enough.
        policy = (await bot.policies.recent(repo)).policy
    except PolicyError:
        return False
    return any(CHECKS.name in policy.environment(name).apply.gates for name in policy.environments)

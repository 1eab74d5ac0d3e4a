"""A pull request was opened, reopened, pushed to or edited."""

from __future__ import annotations

from bot.comments.pulls.forks import fork_comment
from bot.comments.runs.failures import policy_error_comment
from bot.context import Bot
from bot.domain.core.accounts import GHOST, SELF, Account
from bot.domain.core.heads import head_key
from bot.domain.core.model import PullRequest, Repo
from bot.events import Payload
from bot.ports import Delivery
from bot.services.runs.requests import Trigger
from bot.services.stacks.policies import FoundPolicy
from handlers import newest
from handlers.autoplan import plan_touched
from handlers.preconditions import may_run


async def handle_commits(delivery: Delivery, payload: Payload, bot: Bot) -> str:
    """Plan the stacks that the newest commit touches; cancel older plans and mark them stale."""
    await bot.pushes.record(delivery, payload)
    found = await newest.subject(delivery, payload, bot)
    if found is None:
        return "not about a pull request"
    repo, pull = found
    if not pull.is_open:
        return "the pull request is closed by now"
    outdated = await bot.run_requests.supersede(
        repo.full_name,
        pull.number,
        by=SELF,
        why=f"the pull request moved on to {pull.head_sha[:7]}",
        unless_head=pull,
    )
    in_force = await bot.policies.look(repo)
    if pull.draft or in_force.is_missing or not await may_run(repo, pull, bot):
        return await _not_planned(bot, repo=repo, pull=pull, found=in_force)
    again = delivery.action in {"reopened", "ready_for_review"}
    dedupe = (
        delivery.id
        if again
        else f"{repo.full_name}#{pull.number}@{head_key(pull.head_sha, pull.head_number)}"
    )
    note = await _autoplan(delivery, payload, bot, repo=repo, pull=pull, found=in_force, dedupe=dedupe)
    await bot.plan_comments.refresh_all(repo, outdated)
    return note


async def _not_planned(bot: Bot, *, repo: Repo, pull: PullRequest, found: FoundPolicy) -> str:
    """Check the policy of the head without running its code; returns why nothing is planned."""
    await bot.policy_checks.look(repo, pull, found)
    if found.is_missing:
        return "there is no policy"
    if not await may_run(repo, pull, bot):
        await bot.poster.once(repo, pull.number, f"fork:{pull.number}", fork_comment(pull))
        return "from a fork"
    return "a draft is not planned"


async def handle_edited(delivery: Delivery, payload: Payload, bot: Bot) -> str:
    """A changed base makes every plan of the pull request void."""
    if not payload.base_changed:
        return "the base is the same"
    found = await newest.subject(delivery, payload, bot)
    if found is None or not found[1].is_open:
        return "not an open pull request"
    repo, pull = found
    outdated = await bot.run_requests.supersede(
        repo.full_name,
        pull.number,
        by=SELF,
        why=f"the pull request's base is now {pull.base_ref}",
    )
    async with bot.records.write() as writer:
        # An approval was of the change against the old base.
        await writer.void_approvals(repo.full_name, pull.number, bot.clock.now())
    note, in_force = "the base changed", await bot.policies.look(repo)
    if not pull.draft and not in_force.is_missing and await may_run(repo, pull, bot):
        note = await _autoplan(
            delivery, payload, bot, repo=repo, pull=pull, found=in_force, dedupe=delivery.id
        )
    else:
        await bot.policy_checks.look(repo, pull, in_force)
    await bot.plan_comments.refresh_all(repo, outdated)
    return note


def actor_of(payload: Payload) -> Account:
    """Return the account that caused an event."""
    return payload.sender.account if payload.sender else GHOST


async def _autoplan(
    delivery: Delivery,
    payload: Payload,
    bot: Bot,
    *,
    repo: Repo,
    pull: PullRequest,
    found: FoundPolicy,
    dedupe: str,
) -> str:
    if found.policy is None:
        if await bot.policy_checks.look(repo, pull, found):
            await bot.policy_checks.let_pass(repo, pull)
            return "the pull request repairs the policy"
        body = policy_error_comment(problems=found.problems, reference=dedupe)
        await bot.poster.once(repo, pull.number, f"policy:{pull.number}:{pull.head_sha}", body)
        return "the policy is not valid"
    loaded = found.loaded
    if not loaded.policy.serves(pull.base_ref, default_branch=repo.default_branch):
        return f"nothing is planned for base {pull.base_ref}"
    trigger = Trigger(
        repo=repo,
        pull=pull,
        actor=actor_of(payload),
        comment_id=None,
        asked_at=delivery.received_at,
        correlation_id=delivery.id,
        policy_digest=loaded.policy.digest,
        dedupe=dedupe,
    )
    return await plan_touched(trigger, loaded, bot)

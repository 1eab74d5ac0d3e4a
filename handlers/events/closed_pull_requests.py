"""A pull request was merged or closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.comments.pulls.closing import closed_comment
from bot.comments.runs.failures import policy_error_comment
from bot.context import Bot
from bot.domain.core.accounts import SELF, Account
from bot.domain.core.errors import GitHubLagError, PolicyError
from bot.domain.core.model import EnvName, PullRequest, Repo, Stack, StateKey
from bot.events import Payload
from bot.ports import Delivery
from bot.services.freezes.revert_freezes import lift_completed
from bot.services.merging.merge_order import refuse_before_others
from bot.services.runs.requests import Trigger
from handlers import newest
from handlers.events.pull_requests import actor_of
from handlers.github_lag import is_fresh
from handlers.merged_stacks import stacks_to_sync


async def handle(delivery: Delivery, payload: Payload, bot: Bot) -> str:
    """Cancel plans; a merge releases the locks, a close keeps those of applied stacks."""
    found = await newest.subject(delivery, payload, bot)
    if found is not None:
        _refuse_older_than(payload, found[1])
    if found is None or found[1].is_open:
        return "not a closed pull request"
    repo, pull = found
    await bot.run_requests.cancel_plans(repo.full_name, pull.number, by=SELF, reverts=False)
    # A merge into a branch that the policy does not serve counts as a close: people may push there without review.
    merged = pull.merged and await _is_served(repo, pull, bot)
    if merged:
        async with bot.records.read() as reader:
            await refuse_before_others(reader, delivery, bot.clock.now())
    # This takes longest. Before the destroys are queued: the closeout must know the syncs when the first destroy ends.
    fresh = is_fresh(delivery, bot)
    to_sync = await stacks_to_sync(repo, pull, bot, is_fresh=fresh) if merged else ((), ())
    destroying = await _destroy_own(delivery, payload, bot, repo=repo, pull=pull)
    async with bot.records.write() as writer:
        await writer.end_waits(repo=repo.full_name, pull=pull.number)
        every = await writer.locks(repo=repo.full_name, pull=pull.number)
        locks = [lock for lock in every if lock.stack.state_key not in destroying]
        plans = await writer.plan_outlines(repo=repo.full_name, pull=pull.number, limit=1)
    if merged:
        return await _merged(
            delivery, payload, bot, repo=repo, pull=pull, to_sync=to_sync, destroying=destroying
        )
    if not plans:
        return "nothing was planned here"
    if locks:
        into = pull.base_ref if pull.merged else None
        body = closed_comment(locks=locks, into=into, reference=delivery.id)
        await bot.poster.once(repo, pull.number, f"closed:{delivery.id}", body)
    return "closed unmerged"


def _refuse_older_than(payload: Payload, pull: PullRequest) -> None:
    """Raise GitHubLagError where GitHub's answer is from before the merge."""
    shown = payload.pull_request
    if shown is not None and shown.merged and not pull.merged:
        raise GitHubLagError(f"GitHub does not show yet that pull request {pull.number} was merged")


async def _is_served(repo: Repo, pull: PullRequest, bot: Bot) -> bool:
    if pull.base_ref == repo.default_branch:
        return True
    try:
        policy = (await bot.policies.load(repo)).policy
    except PolicyError:
        return False
    return policy.serves(pull.base_ref, default_branch=repo.default_branch)


async def _complete_reverts(
    payload: Payload, bot: Bot, *, repo: Repo, pull: PullRequest
) -> Sequence[EnvName | None]:
    """Lift the freezes of reverts that the base now has; returns their environments."""
    # A revert pull request undoes commits of the default branch; merged elsewhere, it completes no revert.
    if pull.base_ref != repo.default_branch:
        return ()
    async with bot.records.write() as writer:
        lifted = await lift_completed(
            writer, repo.full_name, pull.number, by=_merger(payload, pull), now=bot.clock.now()
        )
    return tuple(dict.fromkeys(hold.env for hold in lifted))


async def _destroy_own(
    delivery: Delivery, payload: Payload, bot: Bot, *, repo: Repo, pull: PullRequest
) -> frozenset[StateKey]:
    """Queue the destroys of the pull request's own environments; returns their states."""
    found = await bot.policies.look(repo)
    if found.is_missing:
        return frozenset()
    policy = found.policy
    if policy is None:
        body = policy_error_comment(problems=found.problems, reference=delivery.id)
        await bot.poster.once(repo, pull.number, f"policy:{pull.number}:closed", body)
        return frozenset()
    stacks = await bot.leases.leave(repo, pull.number, policy, by=actor_of(payload), cause=delivery.id)
    return frozenset(stack.state_key for stack in stacks)


async def _merged(
    delivery: Delivery,
    payload: Payload,
    bot: Bot,
    *,
    repo: Repo,
    pull: PullRequest,
    to_sync: tuple[Sequence[Stack], Sequence[Stack]],
    destroying: frozenset[StateKey],
) -> str:
    """Queue a sync of each touched stack, and release all other locks."""
    trigger = Trigger(
        repo=repo,
        pull=replace(pull, head_sha=pull.merge_commit or pull.head_sha, head_number=None),
        actor=_merger(payload, pull),
        comment_id=None,
        asked_at=delivery.received_at,
        correlation_id=delivery.id,
        dedupe=f"merged:{repo.full_name}#{pull.number}",
    )
    lifted = await _complete_reverts(payload, bot, repo=repo, pull=pull)
    stacks, applied = to_sync
    made = await bot.syncing.request(trigger, stacks, applied)
    kept = destroying | {stack.state_key for stack in stacks}
    why = f"pull request {pull.number} was merged"
    released = await bot.run_requests.release_locks(
        repo.full_name, pull.number, by=trigger.actor, why=why, cause=delivery.id, but=kept
    )
    for stack in released:
        await bot.waiting.freed(stack)
    async with bot.records.read() as reader:
        planned = await reader.plans(repo=repo.full_name, pull=pull.number, limit=1)
    # Where something is destroyed or compared, the report of that writes the closeout.
    if not stacks and not destroying and planned:
        await bot.closeouts.post(repo, pull)
    for env in lifted:
        await bot.plan_comments.refresh_environment(repo, env)
    return f"merged, {made} stacks to compare"


def _merger(payload: Payload, pull: PullRequest) -> Account:
    """Return the account that GitHub names as the merger: a person, a merge queue, another App."""
    return pull.merged_by or actor_of(payload)

"""A pull request was opened, pushed to, edited or closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.comments.closing import closed_comment
from bot.comments.failures import policy_error_comment
from bot.comments.forks import fork_comment
from bot.context import Bot
from bot.domain.errors import PolicyError
from bot.domain.model import EnvName, Login, PullRequest, Repo, Sha, Stack, StateKey
from bot.events import Payload
from bot.ports import Delivery
from bot.services.policies import FoundPolicy
from bot.services.requesting import Wish
from bot.services.revert_holds import lift_completed
from handlers import common, starting

_ACTOR_OF_NOBODY = Login("ghost")


async def handle_commits(delivery: Delivery, payload: Payload, bot: Bot) -> str:
    """Plan what the newest commit touches; older plans are stopped and marked stale."""
    found = await _subject(delivery, bot)
    if found is None:
        return "not about a pull request"
    repo, pull = found
    pushed_by = _actor(payload) if delivery.action == "synchronize" and payload.sender else None
    await _note_pusher(payload, bot, repo=repo, pull=pull)
    if not pull.is_open:
        if pushed_by is not None:
            async with bot.records.write() as writer:
                await writer.add_pusher(repo.full_name, pull.number, pushed_by)
        return "the pull request is closed by now"
    outdated = await bot.requesting.supersede(
        repo.full_name,
        pull.number,
        by=Login(bot.login),
        why=f"the pull request moved on to {pull.head_sha[:7]}",
        unless_head=pull.head_sha,
        pushed_by=pushed_by,
    )
    in_force = await bot.policies.look(repo)
    if pull.draft or in_force.is_missing or not await common.may_run(repo, pull, bot):
        return await _not_planned(bot, repo=repo, pull=pull, found=in_force)
    again = delivery.action in {"reopened", "ready_for_review"}
    dedupe = delivery.id if again else f"{repo.full_name}#{pull.number}@{pull.head_sha}"
    note = await _autoplan(delivery, payload, bot, repo=repo, pull=pull, found=in_force, dedupe=dedupe)
    for plan in outdated:
        await bot.plan_comments.refresh(repo, plan.id)
    return note


async def _not_planned(bot: Bot, *, repo: Repo, pull: PullRequest, found: FoundPolicy) -> str:
    """Look at the policy that the head brings, which runs nothing of it, and say why there is no plan."""
    await bot.policy_checks.look(repo, pull, found)
    if found.is_missing:
        return "there is no policy"
    if not await common.may_run(repo, pull, bot):
        await bot.poster.once(repo, pull.number, f"fork:{pull.number}", fork_comment(pull))
        return "from a fork"
    return "a draft is not planned"


async def _note_pusher(payload: Payload, bot: Bot, *, repo: Repo, pull: PullRequest) -> None:
    """A head that the reconciler found came without the one who pushed it, whom GitHub's own delivery names."""
    if payload.pull_request is None or payload.action not in {"opened", "synchronize"}:
        return
    about = (repo.full_name, pull.number, Sha(payload.pull_request.head.sha))
    async with bot.records.write() as writer:
        if payload.sender is None:
            await writer.find_push(*about)
        else:
            await writer.add_push(*about)


async def handle_edited(delivery: Delivery, payload: Payload, bot: Bot) -> str:
    """A changed base makes every plan of the pull request void."""
    if not payload.base_changed:
        return "the base is the same"
    found = await _subject(delivery, bot)
    if found is None or not found[1].is_open:
        return "not an open pull request"
    repo, pull = found
    outdated = await bot.requesting.supersede(
        repo.full_name,
        pull.number,
        by=Login(bot.login),
        why=f"the pull request's base is now {pull.base_ref}",
    )
    async with bot.records.write() as writer:
        # An approval was of the change against the old base.
        await writer.void_approvals(repo.full_name, pull.number, bot.clock.now())
    note, in_force = "the base changed", await bot.policies.look(repo)
    if not pull.draft and not in_force.is_missing and await common.may_run(repo, pull, bot):
        note = await _autoplan(
            delivery, payload, bot, repo=repo, pull=pull, found=in_force, dedupe=delivery.id
        )
    else:
        await bot.policy_checks.look(repo, pull, in_force)
    for plan in outdated:
        await bot.plan_comments.refresh(repo, plan.id)
    return note


async def handle_closed(delivery: Delivery, payload: Payload, bot: Bot) -> str:
    """Stop plans; a merge frees what the pull request held, a plain close keeps what it changed.

    A merge into a branch that the policy does not serve is none: whoever may push there has agreed to nothing.
    """
    found = await _subject(delivery, bot)
    if found is None or found[1].is_open:
        return "not a closed pull request"
    repo, pull = found
    await bot.requesting.cancel_plans(repo.full_name, pull.number, by=Login(bot.login), reverts=False)
    merged = pull.merged and await _is_served(repo, pull, bot)
    # Finding them takes longest, and what is destroyed must not end before they are asked for: its report is of all.
    to_sync = await common.stacks_to_sync(repo, pull, bot) if merged else ((), ())
    leaving = await _leave(delivery, payload, bot, repo=repo, pull=pull)
    async with bot.records.write() as writer:
        await writer.end_waits(repo=repo.full_name, pull=pull.number)
        held = await writer.locks(repo=repo.full_name, pull=pull.number)
        locks = [lock for lock in held if lock.stack.state_key not in leaving]
        plans = await writer.plan_outlines(repo=repo.full_name, pull=pull.number, limit=1)
    if merged:
        return await _merged(delivery, payload, bot, repo=repo, pull=pull, to_sync=to_sync, leaving=leaving)
    if not plans:
        return "nothing was planned here"
    if locks:
        into = pull.base_ref if pull.merged else None
        body = closed_comment(locks=locks, into=into, reference=delivery.id)
        await bot.poster.once(repo, pull.number, f"closed:{delivery.id}", body)
    return "closed unmerged"


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
    """Lift the holds of the reverts that are in the base now, as what would be rolled forward is gone; returns where (None: everywhere).

    They were opened for the default branch, and aimed at another one they take nothing out of it.
    """
    if pull.base_ref != repo.default_branch:
        return ()
    async with bot.records.write() as writer:
        lifted = await lift_completed(
            writer, repo.full_name, pull.number, by=_actor(payload), now=bot.clock.now()
        )
    return tuple(dict.fromkeys(hold.env for hold in lifted))


async def _leave(
    delivery: Delivery, payload: Payload, bot: Bot, *, repo: Repo, pull: PullRequest
) -> frozenset[StateKey]:
    """Have destroyed what lives as long as the pull request; returns the states that it keeps until then."""
    found = await bot.policies.look(repo)
    if found.is_missing:
        return frozenset()
    policy = found.policy
    if policy is None:
        body = policy_error_comment(problems=found.problems, reference=delivery.id)
        await bot.poster.once(repo, pull.number, f"policy:{pull.number}:closed", body)
        return frozenset()
    stacks = await bot.tenancy.leave(repo, pull.number, policy, by=_actor(payload), cause=delivery.id)
    return frozenset(stack.state_key for stack in stacks)


async def _merged(
    delivery: Delivery,
    payload: Payload,
    bot: Bot,
    *,
    repo: Repo,
    pull: PullRequest,
    to_sync: tuple[Sequence[Stack], Sequence[Stack]],
    leaving: frozenset[StateKey],
) -> str:
    """Compare with the base what the pull request touched; what it holds beyond that is free at once."""
    wish = Wish(
        repo=repo,
        pull=replace(pull, head_sha=pull.merge_commit or pull.head_sha),
        actor=_actor(payload),
        comment_id=None,
        asked_at=delivery.received_at,
        correlation_id=delivery.id,
        dedupe=f"merged:{repo.full_name}#{pull.number}",
    )
    lifted = await _complete_reverts(payload, bot, repo=repo, pull=pull)
    stacks, applied = to_sync
    made = await bot.syncing.request(wish, stacks, applied)
    kept = leaving | {stack.state_key for stack in stacks}
    why = f"pull request {pull.number} was merged"
    released = await bot.requesting.release_locks(
        repo.full_name, pull.number, by=wish.actor, why=why, cause=delivery.id, but=kept
    )
    for stack in released:
        await bot.waiting.freed(stack)
    async with bot.records.read() as reader:
        planned = await reader.plans(repo=repo.full_name, pull=pull.number, limit=1)
    # Where something is destroyed or compared, the report of that writes the closeout.
    if not stacks and not leaving and planned:
        await bot.closeouts.post(repo, pull)
    for env in lifted:
        await bot.plan_comments.refresh_environment(repo, env)
    return f"merged, {made} stacks to compare"


def _actor(payload: Payload) -> Login:
    return Login(payload.sender.login) if payload.sender else _ACTOR_OF_NOBODY


async def _subject(delivery: Delivery, bot: Bot) -> tuple[Repo, PullRequest] | None:
    if delivery.repo is None or delivery.pull is None:
        return None
    return await bot.github.subject(delivery.repo, delivery.pull)


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
    wish = Wish(
        repo=repo,
        pull=pull,
        actor=_actor(payload),
        comment_id=None,
        asked_at=delivery.received_at,
        correlation_id=delivery.id,
        policy_digest=loaded.policy.digest,
        dedupe=dedupe,
    )
    return await starting.touched(wish, loaded, bot)

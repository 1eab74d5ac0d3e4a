"""Choose the stacks that the merge of a pull request concerns."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from bot.context import Bot
from bot.domain.core.errors import CommitMissingError, MergeMissingError, PolicyError, WorkspaceError
from bot.domain.core.model import PullRequest, Repo, Stack
from bot.services.planning.merged_bases import require_merged
from bot.services.runs.retrying import persist
from bot.services.stacks.policies import LoadedPolicy
from bot.services.stacks.touched import touched_stacks
from handlers.github_lag import QUICK
from handlers.stack_choice import plannable

# No plan of a pull request may be overlooked: its merge concerns each of their stacks.
_MOST_PLANS: Final = 10_000


async def stacks_to_sync(
    repo: Repo, pull: PullRequest, bot: Bot, *, is_fresh: bool = False
) -> tuple[tuple[Stack, ...], tuple[Stack, ...]]:
    """Return the stacks that a merged pull request touched or planned, and those to apply now.

    Raises CommitMissingError where the pull request was merged just now (`is_fresh`), as GitHub serves its commits
    soon.
    """
    try:
        policy = (await persist(QUICK, f"reading {pull.base_ref}", lambda: _after(repo, pull, bot))).policy
    except PolicyError:
        return (), ()
    if not policy.serves(pull.base_ref, default_branch=repo.default_branch):
        return (), ()
    known = tuple(
        stack
        for stack in policy.stacks(repo.full_name, pull=pull.number)
        if stack.env in plannable(policy) and policy.environment(stack.env).after_merge != "none"
    )
    async with bot.records.read() as reader:
        plans = await reader.plan_outlines(repo=repo.full_name, pull=pull.number, limit=_MOST_PLANS)
        locks = await reader.locks(repo=repo.full_name, pull=pull.number)
    concerned = {plan.stack.state_key for plan in plans} | {lock.stack.state_key for lock in locks}
    try:
        tree = await bot.trees.merged(repo, pull, base=pull.base_sha, head=pull.head_sha)
        concerned |= {stack.state_key for stack in touched_stacks(policy, known, tree)}
    except WorkspaceError as error:
        # Later, the touched stacks cannot be read any more; the planned ones are recorded.
        if is_fresh and isinstance(error, CommitMissingError):
            raise
    stacks = tuple(stack for stack in known if stack.state_key in concerned)
    return stacks, tuple(stack for stack in stacks if policy.environment(stack.env).after_merge == "apply")


async def _after(repo: Repo, pull: PullRequest, bot: Bot) -> LoadedPolicy:
    """Return the policy in force, not older than the merge where the base still has it."""
    loaded = await bot.policies.load(repo)
    if pull.base_ref == repo.default_branch:
        commit, now = pull.merge_commit, bot.clock.now()
        with suppress(MergeMissingError, WorkspaceError):
            await require_merged(bot.trees, repo, pull, commit=commit, tip=loaded.commit, now=now)
    return loaded

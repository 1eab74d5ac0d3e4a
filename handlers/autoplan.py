"""Plan the stacks that a pull request touches, for a pushed or an allowed commit."""

from __future__ import annotations

from collections.abc import Sequence

from bot.comments.runs.failures import conflict_comment, policy_in_force_comment
from bot.context import Bot
from bot.domain.core.errors import MergeConflictError
from bot.domain.core.model import Repo, Sha, Stack
from bot.domain.environments.waits import Wait, WaitReason
from bot.policy import RepoPolicy
from bot.ports.records.check_runs import TouchedStack
from bot.services.environments.leases import is_tenanted
from bot.services.parity.sides import Code
from bot.services.runs.requests import Trigger
from bot.services.stacks.policies import POLICY_PATH, LoadedPolicy
from bot.services.stacks.touched import MergedTree, touched_stacks
from handlers.stack_choice import plannable


async def plan_touched(trigger: Trigger, loaded: LoadedPolicy, bot: Bot) -> str:
    """Plan the stacks that the pull request touches; return one line for the record."""
    repo, pull, policy = trigger.repo, trigger.pull, loaded.policy
    try:
        tree = await merged(trigger, loaded, bot)
    except MergeConflictError as error:
        body = conflict_comment(paths=error.paths, pull=pull)
        await bot.poster.sticky(repo, pull.number, f"conflict:{pull.number}", body)
        await bot.reporting.conflict_checks(repo, pull, error.paths)
        return "the pull request does not merge"
    if POLICY_PATH in tree.merge.changed_files:
        body = policy_in_force_comment(branch=repo.default_branch, commit=loaded.commit)
        await bot.poster.once(repo, pull.number, f"policy-in-force:{pull.number}", body)
        await bot.policy_checks.show(repo, pull, loaded, tree)
    automatic = await automatic_stacks(trigger, policy, tree, bot)
    stacks = await _without_paused(automatic, trigger, bot)
    tenanted = tuple(stack for stack in stacks if is_tenanted(policy, stack))
    await bot.run_requests.plans(trigger, tuple(stack for stack in stacks if stack not in tenanted), ())
    await bot.leases.deploy(trigger, tenanted)
    await record_touched(trigger, policy, tree, automatic, bot)
    await bot.reporting.refresh_checks(repo, pull)
    if policy.asks_for_parity:
        await bot.parity.show(Code(repo=repo, tree=tree, commit=pull.head_sha), policy, pull)
    return f"{len(stacks)} stacks to plan"


async def merged(trigger: Trigger, loaded: LoadedPolicy, bot: Bot) -> MergedTree:
    """Return the merge of the head into its base's tip. Raises MergeConflictError."""
    repo, pull = trigger.repo, trigger.pull
    base = await _tip(repo, pull.base_ref, loaded, bot)
    return await bot.trees.merged(repo, pull, base=base, head=pull.head_sha)


async def automatic_stacks(
    trigger: Trigger, policy: RepoPolicy, tree: MergedTree, bot: Bot
) -> tuple[Stack, ...]:
    """Return the `autoplan` stacks that the pull request touches or has a lock on."""
    repo, pull = trigger.repo.full_name, trigger.pull.number
    automatic = tuple(
        stack
        for stack in policy.stacks(repo, pull=pull)
        if stack.env in plannable(policy) and policy.environment(stack.env).autoplan
    )
    touched = touched_stacks(policy, automatic, tree)
    async with bot.records.read() as reader:
        locked = {lock.stack.state_key for lock in await reader.locks(repo=repo, pull=pull)}
    # A push may have undone an applied change; its stack must be planned although the head no longer touches it.
    return tuple(stack for stack in automatic if stack in touched or stack.state_key in locked)


async def record_touched(
    trigger: Trigger, policy: RepoPolicy, tree: MergedTree, automatic: Sequence[Stack], bot: Bot
) -> None:
    """Record the stacks that the head touches, for its checks; only `automatic` were planned."""
    repo, pull = trigger.repo.full_name, trigger.pull.number
    planned = {stack.state_key for stack in automatic}
    others = tuple(
        stack
        for stack in policy.stacks(repo, pull=pull)
        if stack.env in plannable(policy) and not policy.environment(stack.env).autoplan
    )
    found = [
        TouchedStack(project=stack.project, env=stack.env, is_automatic=stack.state_key in planned)
        for stack in (*automatic, *touched_stacks(policy, others, tree))
    ]
    head = await bot.check_runs.head(trigger.repo, pull, trigger.pull.head_sha)
    async with bot.records.write() as writer:
        await writer.record_touched(repo, pull, head.sha, head.number, found)
        await writer.select(repo, pull, head.sha)


async def _tip(repo: Repo, branch: str, loaded: LoadedPolicy, bot: Bot) -> Sha:
    # That of the default branch was read with the policy.
    return loaded.commit if branch == repo.default_branch else await bot.github.branch_head(repo, branch)


async def _without_paused(stacks: Sequence[Stack], trigger: Trigger, bot: Bot) -> tuple[Stack, ...]:
    """Leave out the stacks that a pending revert pauses, and record that they wait."""
    repo, pull = trigger.repo.full_name, trigger.pull.number
    paused = [stack for stack in stacks if await bot.reverting.pending(stack) is not None]
    async with bot.records.write() as writer:
        for wait in await writer.paused(repo=repo, pull=pull):
            if wait.stack not in paused:
                await writer.end_wait(wait.number)
        for stack in paused:
            wait = Wait(stack=stack, pull=pull, reason=WaitReason.REVERT, since=bot.clock.now())
            await writer.add_wait(wait)
    return tuple(stack for stack in stacks if stack not in paused)

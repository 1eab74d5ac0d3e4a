"""What a new commit starts, whether it was pushed or allowed."""

from __future__ import annotations

from collections.abc import Sequence

from bot.comments.failures import conflict_comment, policy_in_force_comment
from bot.context import Bot
from bot.domain.errors import MergeConflictError
from bot.domain.model import Stack
from bot.domain.waiting import Wait, WaitReason
from bot.services.parity_sides import Code
from bot.services.policies import POLICY_PATH, LoadedPolicy
from bot.services.requesting import Wish
from bot.services.tenancy import is_tenanted
from handlers import common


async def touched(wish: Wish, loaded: LoadedPolicy, bot: Bot) -> str:
    """Plan what the pull request touches, and say in one line what was done."""
    repo, pull, policy = wish.repo, wish.pull, loaded.policy
    try:
        tree = await common.merged(wish, loaded, bot)
    except MergeConflictError as error:
        body = conflict_comment(paths=error.paths, pull=pull)
        await bot.poster.sticky(repo, pull.number, f"conflict:{pull.number}", body)
        await bot.reporting.conflict_checks(repo, pull, error.paths)
        return "the pull request does not merge"
    if POLICY_PATH in tree.merge.changed_files:
        body = policy_in_force_comment(branch=repo.default_branch, commit=loaded.commit)
        await bot.poster.once(repo, pull.number, f"policy-in-force:{pull.number}", body)
        await bot.policy_checks.show(repo, pull, loaded, tree)
    stacks = await _without_paused(await common.automatic_stacks(wish, policy, tree, bot), wish, bot)
    tenanted = tuple(stack for stack in stacks if is_tenanted(policy, stack))
    await bot.requesting.plans(wish, tuple(stack for stack in stacks if stack not in tenanted), ())
    await bot.tenancy.deploy(wish, tenanted)
    async with bot.records.write() as writer:
        await writer.select(repo.full_name, pull.number, pull.head_sha)
    await bot.reporting.refresh_checks(repo, pull, policy)
    if policy.asks_for_parity:
        await bot.parity.show(Code(repo=repo, tree=tree, commit=pull.head_sha), policy, pull)
    return f"{len(stacks)} stacks to plan"


async def _without_paused(stacks: Sequence[Stack], wish: Wish, bot: Bot) -> tuple[Stack, ...]:
    """Leave out what a pending revert is about: until it is applied or dropped, nothing is planned there by itself."""
    repo, pull = wish.repo.full_name, wish.pull.number
    paused = [stack for stack in stacks if await bot.reverting.pending(stack) is not None]
    async with bot.records.write() as writer:
        for wait in await writer.paused(repo=repo, pull=pull):
            if wait.stack not in paused:
                await writer.end_wait(wait.number)
        for stack in paused:
            wait = Wait(stack=stack, pull=pull, reason=WaitReason.REVERT, since=bot.clock.now())
            await writer.add_wait(wait)
    return tuple(stack for stack in stacks if stack not in paused)

"""GitHub's merge queue asks whether a group of pull requests may be merged."""

from __future__ import annotations

from bot.comments.checks.merge_queue import UNREADABLE
from bot.comments.checks.parity import parity_check
from bot.comments.checks.policy import REPAIRS
from bot.context import Bot
from bot.domain.core.model import Sha
from bot.events import MergeGroupPayload, Payload
from bot.ports import Delivery
from bot.services.parity.comparing import CHECK as PARITY
from bot.services.parity.sides import Code
from bot.services.reporting.head_checks import APPLY, PLAN
from handlers import github_lag

_BRANCHES = "refs/heads/"


async def handle(delivery: Delivery, payload: Payload, bot: Bot) -> str:
    """Write the checks of a pull request on the group's commit."""
    if not isinstance(payload, MergeGroupPayload) or payload.repository is None:
        return "not a merge group"
    group = payload.merge_group
    repo = await bot.github.repository(payload.repository.full_name)
    found = await bot.policies.look(repo)
    if found.is_missing:
        return "there is no policy"
    policy = found.policy
    branch, base, head = group.head_ref.removeprefix(_BRANCHES), Sha(group.base_sha), Sha(group.head_sha)
    is_fresh = github_lag.is_fresh(delivery, bot)
    if policy is None and await bot.policy_checks.repairs(
        repo, branch=branch, base=base, head=head, is_fresh=is_fresh
    ):
        for name in (PLAN, APPLY, PARITY):
            await bot.merge_queue_checks.show(repo, head, name, REPAIRS)
        return "the group repairs the policy"
    tree = await bot.merge_queue_checks.answer(
        repo, policy, branch=branch, base=base, head=head, is_fresh=is_fresh
    )
    if policy is None or (tree is None and policy.asks_for_parity):
        # Without a policy we do not know whether parity is required, and the queue would wait forever.
        await bot.merge_queue_checks.show(repo, head, PARITY, UNREADABLE)
    elif tree is not None and policy.asks_for_parity:
        view = await bot.parity.foreseen(Code(repo=repo, tree=tree, commit=head), policy)
        await bot.merge_queue_checks.show(repo, head, PARITY, parity_check(view))
    return "answered"

"""GitHub's merge queue asks whether a group of pull requests may be merged."""

from __future__ import annotations

from bot.comments.merge_queue import UNREADABLE
from bot.comments.parity import parity_check
from bot.comments.policy_check import REPAIRS
from bot.context import Bot
from bot.domain.model import Sha
from bot.events import MergeGroupPayload, Payload
from bot.ports import Delivery
from bot.services.checks import APPLY, PLAN
from bot.services.parity import CHECK as PARITY
from bot.services.parity_sides import Code

_BRANCHES = "refs/heads/"


async def handle(delivery: Delivery, payload: Payload, bot: Bot) -> str:  # noqa: ARG001 - one signature for all
    """Answer with the checks that pull requests have, on the group's own commit."""
    if not isinstance(payload, MergeGroupPayload) or payload.repository is None:
        return "not a merge group"
    group = payload.merge_group
    repo = await bot.github.repository(payload.repository.full_name)
    found = await bot.policies.look(repo)
    if found.is_missing:
        return "there is no policy"
    policy = found.policy
    branch, base, head = group.head_ref.removeprefix(_BRANCHES), Sha(group.base_sha), Sha(group.head_sha)
    if policy is None and await bot.policy_checks.repairs(repo, branch=branch, base=base, head=head):
        for name in (PLAN, APPLY, PARITY):
            await bot.queueing.show(repo, head, name, REPAIRS)
        return "the group repairs the policy"
    tree = await bot.queueing.answer(repo, policy, branch=branch, base=base, head=head)
    if policy is None or (tree is None and policy.asks_for_parity):
        # Nobody can tell whether twins are compared here, and the queue would wait for a check that never comes.
        await bot.queueing.show(repo, head, PARITY, UNREADABLE)
    elif tree is not None and policy.asks_for_parity:
        view = await bot.parity.foreseen(Code(repo=repo, tree=tree, commit=head), policy)
        await bot.queueing.show(repo, head, PARITY, parity_check(view))
    return "answered"

"""GitHub's merge queue asks whether a group of pull requests may be merged."""

from __future__ import annotations

from bot.comments.merge_queue import UNREADABLE
from bot.comments.parity import parity_check
from bot.context import Bot
from bot.domain.errors import PolicyError
from bot.domain.model import Sha
from bot.events import MergeGroupPayload, Payload
from bot.ports import Delivery
from bot.services.parity import CHECK as PARITY
from bot.services.parity_sides import Code

_BRANCHES = "refs/heads/"


async def handle(delivery: Delivery, payload: Payload, bot: Bot) -> str:  # noqa: ARG001 - one signature for all
    """Answer with the checks that pull requests have, on the group's own commit."""
    if not isinstance(payload, MergeGroupPayload) or payload.repository is None:
        return "not a merge group"
    group = payload.merge_group
    repo = await bot.github.repository(payload.repository.full_name)
    try:
        policy = (await bot.policies.load(repo)).policy
    except PolicyError:
        policy = None
    head = Sha(group.head_sha)
    tree = await bot.queueing.answer(
        repo,
        policy,
        branch=group.head_ref.removeprefix(_BRANCHES),
        base=Sha(group.base_sha),
        head=head,
    )
    if policy is None or (tree is None and policy.asks_for_parity):
        # Nobody can tell whether twins are compared here, and the queue would wait for a check that never comes.
        await bot.queueing.show(repo, head, PARITY, UNREADABLE)
    elif tree is not None and policy.asks_for_parity:
        view = await bot.parity.foreseen(Code(repo=repo, tree=tree, commit=head), policy)
        await bot.queueing.show(repo, head, PARITY, parity_check(view))
    return "answered"

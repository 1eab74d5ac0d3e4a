"""Repeat what re-requested checks are about, and renew their check runs in any case."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from bot.context import Bot
from bot.domain.core.accounts import Account
from bot.domain.core.model import PullRequest, Repo
from bot.ports import Delivery
from bot.ports.records.check_runs import WrittenCheck
from bot.services.merging.policy_checks import CHECK as POLICY
from bot.services.parity.comparing import CHECK as PARITY
from handlers.dispatch import IncomingCommand, answer


async def rerun(
    delivery: Delivery,
    bot: Bot,
    *,
    repo: Repo,
    pull: PullRequest,
    by: Account,
    names: AbstractSet[str],
    asked: Sequence[WrittenCheck],
) -> list[str]:
    """Run the commands that correspond to the checks, for that person; return them."""
    done = []
    try:
        if POLICY in names:
            await bot.policy_checks.look(repo, pull, await bot.policies.look(repo))
            done.append("policy")
        for line in _lines(names):
            await answer(_given(delivery, repo, pull, by, line), bot)
            done.append(line)
    finally:
        # GitHub waits for a new check run of each name; those that no command has made repeat their last result.
        await renew(repo, asked, bot)
    return done


async def renew(repo: Repo, asked: Sequence[WrittenCheck], bot: Bot) -> None:
    """Make the check runs that are still awaited."""
    for written in asked:
        await bot.check_runs.renew(repo, written)


def _lines(names: AbstractSet[str]) -> list[str]:
    lines = ["/parity"] if PARITY in names else []
    # `/parity` posts a comment only where its check alone was re-requested.
    return ["/plan"] if names - {PARITY, POLICY} else lines


def _given(delivery: Delivery, repo: Repo, pull: PullRequest, by: Account, line: str) -> IncomingCommand:
    return IncomingCommand(
        repo=repo,
        pull=pull,
        actor=by,
        comment_id=None,
        asked_at=delivery.received_at,
        body=line,
        line=line,
        correlation_id=delivery.id,
    )

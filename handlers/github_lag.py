"""Distinguish what GitHub does not show yet from what does not exist."""

from __future__ import annotations

from typing import Final

from bot.context import Bot
from bot.domain.core.errors import CommitMissingError, GitHubLagError, GitHubNotFoundError
from bot.domain.core.heads import LAG
from bot.domain.core.retries import Retries
from bot.ports import Delivery


class _WhileBehind(Retries):
    def worth(self, error: BaseException) -> bool:
        """Whether GitHub is only behind."""
        return isinstance(error, GitHubLagError)


# Four reads within two seconds; after them the whole delivery is tried again.
QUICK: Final = _WhileBehind(attempts=4, first_wait=0.2, factor=2.0, longest_wait=1.0)


def is_behind(error: BaseException) -> bool:
    """Whether GitHub may not show yet what a delivery has just reported."""
    return isinstance(error, GitHubNotFoundError | CommitMissingError)


def is_fresh(delivery: Delivery, bot: Bot) -> bool:
    """Whether GitHub's answers may still be older than a delivery."""
    return bot.clock.now() - delivery.received_at < LAG

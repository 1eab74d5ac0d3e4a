"""The port for issues, with which the bot reports what belongs to no pull request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.domain.core.model import Repo


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueText:
    """The text of an issue; the first line of `body` is our marker."""

    title: str
    body: str
    is_open: bool


class Issues(Protocol):
    """The bot's own issues; each call retries what may be retried, then raises GitHubError."""

    async def create_issue(self, repo: Repo, text: IssueText, *, in_doubt: bool = False) -> int:
        """Open an issue; returns its number.

        `in_doubt`: an earlier call may have opened it, so that it is looked for first, by the first line of its body.
        """
        ...

    async def update_issue(self, repo: Repo, number: int, text: IssueText) -> None:
        """Replace title, body and state; GitHubNotFoundError when it was deleted."""
        ...

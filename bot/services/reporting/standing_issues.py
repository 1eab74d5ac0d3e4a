"""Issues that report a lasting problem: opened once, updated, closed when it is over."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.core.errors import GitHubNotFoundError
from bot.domain.core.model import Repo
from bot.ports import Records
from bot.ports.issues import Issues, IssueText
from bot.services.reporting.posting import ANNOUNCED


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingIssues:
    """Maintains one issue per key and repository.

    Callers take turns per repository, see `bot.services.runs.outbox`.
    """

    github: Issues
    records: Records

    async def show(self, repo: Repo, key: str, text: IssueText) -> int | None:
        """Open, update or close the issue of `key`; returns its number, None if there never was one.

        A closed issue is not changed until the problem returns. Raises GitHubError, for example if the App
        may not write issues.
        """
        async with self.records.read() as reader:
            known = await reader.remote_id(repo.full_name, key)
            was_open = await reader.remote_id(repo.full_name, _open_key(key)) != 0
        if not text.is_open and (known is None or not was_open):
            return known or None
        number = await self._update(repo, known, text) if known else None
        if number is None and text.is_open:
            number = await self._open(repo, key, text)
        await self._remember(repo, _open_key(key), int(text.is_open))
        return number

    async def _update(self, repo: Repo, number: int, text: IssueText) -> int | None:
        try:
            await self.github.update_issue(repo, number, text)
        except GitHubNotFoundError:
            # It was deleted on GitHub: the caller opens a new one.
            return None
        return number

    async def _open(self, repo: Repo, key: str, text: IssueText) -> int:
        """Open the issue, or update the one that an attempt opened before it crashed."""
        # If this process crashes before the number is recorded, the next attempt looks for the issue.
        async with self.records.write() as writer:
            again = await writer.remote_id(repo.full_name, key) == ANNOUNCED
            await writer.set_remote_id(repo.full_name, key, ANNOUNCED)
        number = await self.github.create_issue(repo, text, in_doubt=again)
        if again:
            await self.github.update_issue(repo, number, text)
        await self._remember(repo, key, number)
        return number

    async def _remember(self, repo: Repo, key: str, value: int) -> None:
        async with self.records.write() as writer:
            await writer.set_remote_id(repo.full_name, key, value)


def _open_key(key: str) -> str:
    return f"{key}:open"

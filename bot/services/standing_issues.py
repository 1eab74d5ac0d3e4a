"""Issues that stand for something that is wrong: opened once, kept up to date, closed when it is over."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.errors import GitHubNotFoundError
from bot.domain.model import Repo
from bot.ports import Records
from bot.ports.issues import Issues, IssueText
from bot.services.posting import ANNOUNCED


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingIssues:
    """One issue per key and repository; callers take turns per repository (see `bot.services.outbox`)."""

    github: Issues
    records: Records

    async def show(self, repo: Repo, key: str, text: IssueText) -> int | None:
        """Say it in the issue of `key`; returns its number, None where nothing is wrong and nothing was.

        An issue that is closed stays untouched until there is something to tell again. Raises GitHubError, for
        example where the App may not write issues.
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
            return None  # Somebody deleted it.
        return number

    async def _open(self, repo: Repo, key: str, text: IssueText) -> int:
        """Open it, or take over the one that an earlier attempt opened just before it was cut off."""
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

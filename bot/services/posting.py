"""Writing on GitHub so that a repeated step writes nothing twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.domain.errors import GitHubNotFoundError
from bot.domain.model import Repo
from bot.ports import GitHub, Records

_ANNOUNCED = 0
"""Stands for "about to be written": found again, it means that an earlier attempt may have succeeded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poster:
    """Posts comments; what was posted is remembered under a key."""

    github: GitHub
    records: Records

    async def once(self, repo: Repo, number: int, key: str, body: str) -> None:
        """Write a comment at most once per `key`, whatever happens in between."""
        async with self.records.write() as writer:
            known = await writer.remote_id(repo.full_name, key)
            if known is None:
                await writer.set_remote_id(repo.full_name, key, _ANNOUNCED)
        if known not in {None, _ANNOUNCED}:
            return
        if known == _ANNOUNCED and await self._arrived(repo, number, body) is not None:
            return
        posted = await self.github.comment(repo, number, body)
        await self._remember(repo, key, posted.id)

    async def sticky(self, repo: Repo, number: int, key: str, body: str) -> datetime:
        """Write or update the one comment of `key`; returns GitHub's time of it."""
        async with self.records.read() as reader:
            known = await reader.remote_id(repo.full_name, key)
        if known:
            try:
                return (await self.github.update_comment(repo, known, body)).at
            except GitHubNotFoundError:
                pass  # Somebody deleted it: write a new one.
        posted = await self.github.comment(repo, number, body)
        await self._remember(repo, key, posted.id)
        return posted.at

    async def _arrived(self, repo: Repo, number: int, body: str) -> int | None:
        return await self.github.find_comment(repo, number, body.split("\n", 1)[0])

    async def _remember(self, repo: Repo, key: str, remote_id: int) -> None:
        async with self.records.write() as writer:
            await writer.set_remote_id(repo.full_name, key, remote_id)


def sticky_key(pull: int, project: str, env: str) -> str:
    """Key of the plan comment of one stack on one pull request."""
    return f"sticky:{pull}:{project}:{env}"

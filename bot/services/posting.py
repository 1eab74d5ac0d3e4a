"""Writing on GitHub so that a repeated step writes nothing twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.domain.errors import GitHubNotFoundError
from bot.domain.model import Repo
from bot.ports import Check, GitHub, Posted, Records, Remote
from bot.services.stopwatch import together

ANNOUNCED = 0
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
                await writer.set_remote_id(repo.full_name, key, ANNOUNCED)
        if known not in {None, ANNOUNCED}:
            return
        if known == ANNOUNCED and await self.github.find_comment(repo, number, _first_line(body)) is not None:
            return
        posted = await self.github.comment(repo, number, body)
        await self._remember(repo, key, posted)

    async def sticky(
        self, repo: Repo, number: int, key: str, body: str, *, asked_by: int | None = None
    ) -> datetime:
        """Write or update the one live comment of `key`; returns GitHub's time of it.

        Where the comment `asked_by` asked for it and stands below the live one, the answer is written below it
        and the old one is folded, so that whoever asked finds it at the end of the page.
        """
        async with self.records.read() as reader:
            known = await reader.remote(repo.full_name, key)
        # GitHub numbers comments in the order in which they are written.
        if known and known.id and (asked_by is None or asked_by < known.id):
            try:
                return (await self.github.update_comment(repo, known.id, body)).at
            except GitHubNotFoundError:
                known = None  # Somebody deleted it: write a new one.
        posted, _ = await together(
            self._anew(repo, number, f"{key}>{asked_by or 0}", body), self._fold(repo, known)
        )
        await self._remember(repo, key, posted)
        return posted.at

    async def _anew(self, repo: Repo, number: int, attempt: str, body: str) -> Posted:
        """Write a comment, or take over the one that an earlier attempt wrote just before it was cut off."""
        async with self.records.write() as writer:
            again = await writer.remote_id(repo.full_name, attempt) is not None
            if not again:
                await writer.set_remote_id(repo.full_name, attempt, ANNOUNCED)
        found = await self.github.find_comment(repo, number, _lasting(body)) if again else None
        if found is not None:
            return await self.github.update_comment(repo, found, body)
        return await self.github.comment(repo, number, body)

    async def _fold(self, repo: Repo, comment: Remote | None) -> None:
        if comment and comment.id:
            await self.github.minimize_comment(repo, comment.id, node_id=comment.node_id)

    async def _remember(self, repo: Repo, key: str, posted: Posted) -> None:
        async with self.records.write() as writer:
            await writer.set_remote_id(repo.full_name, key, posted.id, node_id=posted.node_id)


async def show_check(github: GitHub, records: Records, repo: Repo, key: str, check: Check) -> None:
    """Create the check run of `key`, or update it; one that an attempt made before it was cut off is taken over.

    It is known again by the name, commit and `external_id` of `check`.
    """
    async with records.read() as reader:
        known = await reader.remote_id(repo.full_name, key)
    if known:
        try:
            await github.update_check(repo, known, check)
        except GitHubNotFoundError:
            known = None
        else:
            return
    async with records.write() as writer:
        await writer.set_remote_id(repo.full_name, key, ANNOUNCED)
    created = await github.create_check(repo, check, in_doubt=known == ANNOUNCED)
    if known == ANNOUNCED:
        await github.update_check(repo, created, check)
    async with records.write() as writer:
        await writer.set_remote_id(repo.full_name, key, created)


def _first_line(body: str) -> str:
    return body.split("\n", 1)[0]


def _lasting(body: str) -> str:
    """Return what a comment is known by although it may have been rendered anew, with another status, since."""
    return _first_line(body).partition(', "status": "')[0]


def sticky_key(pull: int, project: str, env: str) -> str:
    """Key of the plan comment of one stack on one pull request."""
    return f"sticky:{pull}:{project}:{env}"

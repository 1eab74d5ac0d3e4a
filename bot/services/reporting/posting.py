"""Posts comments so that a repeated step posts nothing twice."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pydantic

from bot.domain.core.errors import GitHubNotFoundError
from bot.domain.core.model import Repo
from bot.domain.core.workflows import FOLD_COMMENT
from bot.ports import GitHub, Job, Posted, Records, Remote

ANNOUNCED = 0
"""The id that is recorded before writing, so that a later attempt knows of an earlier one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poster:
    """Posts comments, and records their ids under keys."""

    github: GitHub
    records: Records

    async def once(self, repo: Repo, number: int, key: str, body: str, *, asked: bool = False) -> None:
        """Post a comment at most once per `key`; `asked`: it answers a command."""
        async with self.records.write() as writer:
            known = await writer.remote_id(repo.full_name, key)
            if known is None:
                await writer.set_remote_id(repo.full_name, key, ANNOUNCED)
        if known not in {None, ANNOUNCED}:
            return
        if known == ANNOUNCED and await self.github.find_comment(repo, number, _first_line(body)) is not None:
            return
        posted = await self.github.comment(repo, number, body, asked=asked)
        await self._remember(repo, key, posted)

    async def sticky(
        self,
        repo: Repo,
        number: int,
        key: str,
        body: str,
        *,
        below: int | None = None,
        asked: bool = False,
        marker: str | None = None,
    ) -> datetime:
        """Post or update the current comment of `key`; returns the time of that on GitHub.

        A comment that is not `below` this one on the page is replaced by a new one. `asked`: a person waits for
        it. `marker` finds the comment of an attempt before a crash; by default what its first line says before
        the status.
        """
        async with self.records.read() as reader:
            known = await reader.remote(repo.full_name, key)
        before = known.id if known else 0
        # A command below the current comment is answered with a new comment, at the end of the page, and the old one is
        # folded. GitHub's ids of comments are ascending.
        if before and (not below or below < before):
            # If it was deleted on GitHub, a new one is posted.
            with suppress(GitHubNotFoundError):
                return (await self.github.update_comment(repo, before, body, asked=asked)).at
        attempt = f"{key}>{below or 0}"
        marker = marker or _stable_part(body)
        posted = await self._post(repo, number, attempt, body, asked=asked, marker=marker, newer_than=before)
        async with self.records.write() as writer:
            await writer.set_remote_id(repo.full_name, key, posted.id, node_id=posted.node_id)
            if known and before:
                # Folding is left to a job, since a plan counts as posted only when this method has returned.
                await writer.enqueue(fold_job(repo, number, known))
        return posted.at

    async def shown(self, repo: Repo, number: int, key: str, body: str, *, asked: bool, marker: str) -> None:
        """Post or update the comment of `key`, unless GitHub shows this text already."""
        digest = digest_of(body)
        async with self.records.read() as reader:
            known = await reader.remote_id(repo.full_name, key)
            if known and await reader.remote_id(repo.full_name, body_key(key)) == digest:
                return
        await self.sticky(repo, number, key, body, asked=asked, marker=marker)
        async with self.records.write() as writer:
            await writer.set_remote_id(repo.full_name, body_key(key), digest)

    async def written_before(self, repo: Repo, number: int, key: str, body: str) -> datetime | None:
        """Return when an earlier attempt with this key wrote the comment, and record this attempt."""
        again = await self._announce(repo, key)
        found = await self.github.find_comment(repo, number, _stable_part(body)) if again else None
        return None if found is None else found.at

    async def found_at(self, repo: Repo, number: int, marker: str) -> datetime | None:
        """Return when the newest comment with `marker` in its first line was written."""
        found = await self.github.find_comment(repo, number, marker)
        return None if found is None else found.at

    async def _announce(self, repo: Repo, attempt: str) -> bool:
        """Record an attempt; returns whether there was one before."""
        async with self.records.write() as writer:
            again = await writer.remote_id(repo.full_name, attempt) is not None
            if not again:
                await writer.set_remote_id(repo.full_name, attempt, ANNOUNCED)
        return again

    async def _post(
        self,
        repo: Repo,
        number: int,
        attempt: str,
        body: str,
        *,
        asked: bool,
        marker: str,
        newer_than: int,
    ) -> Posted:
        """Post a comment, or update the one that an attempt wrote before it crashed."""
        again = await self._announce(repo, attempt)
        found = await self.github.find_comment(repo, number, marker) if again else None
        if found is not None and found.id > newer_than:
            return await self.github.update_comment(repo, found.id, body, asked=asked)
        return await self.github.comment(repo, number, body, asked=asked)

    async def _remember(self, repo: Repo, key: str, posted: Posted) -> None:
        async with self.records.write() as writer:
            await writer.set_remote_id(repo.full_name, key, posted.id, node_id=posted.node_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Folding:
    """The argument of the job that folds a comment as outdated."""

    repo: str
    comment: int
    node_id: str | None


FOLDING: Final = pydantic.TypeAdapter(Folding)


def fold_job(repo: Repo, number: int, comment: Remote) -> Job:
    """Return the job that folds a comment of a pull request."""
    folding = Folding(repo=repo.full_name, comment=comment.id, node_id=comment.node_id)
    return Job(
        workflow=FOLD_COMMENT.name,
        id=f"{FOLD_COMMENT.name}-{repo.full_name}-{comment.id}",
        argument=FOLDING.dump_json(folding).decode(),
        queue=FOLD_COMMENT.queue,
        partition=f"{repo.full_name}#{number}",
    )


def _first_line(body: str) -> str:
    return body.split("\n", 1)[0]


def _stable_part(body: str) -> str:
    """Return the part of the first line that stays the same when the comment is rendered again."""
    # The status in the header may have changed since.
    return _first_line(body).partition(', "status": "')[0]


def sticky_key(pull: int, project: str, env: str) -> str:
    """Return the key of the plan comment of a stack on a pull request."""
    return f"sticky:{pull}:{project}:{env}"


def folded_key(key: str) -> str:
    """Return the key of the last comment of a sticky `key` that another comment has replaced."""
    return f"{key}:folded"


def written_key(number: int) -> str:
    """Return the key of the newest comment that a person has written on a pull request."""
    return f"written:{number}"


def body_key(key: str) -> str:
    """Return the key of the digest of the text that a sticky comment shows."""
    return f"{key}:body"


def digest_of(body: str) -> int:
    """Return a number that tells the texts of a comment apart."""
    return int.from_bytes(hashlib.sha256(body.encode("utf-8", "replace")).digest()[:6])

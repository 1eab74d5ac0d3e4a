"""Bare mirrors: one per repository, fetched by one process at a time, rebuilt when damaged."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import shutil
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_chain,
    wait_fixed,
)

from bot.adapters.workspace.git import Git, GitError
from bot.adapters.workspace.locks import locked, try_lock
from bot.adapters.workspace.names import is_object_id, refspecs, repo_parts
from bot.adapters.workspace.trees import is_damage
from bot.domain.core.errors import CommitMissingError
from bot.domain.core.git_access import token_config
from bot.domain.core.model import Repo
from bot.ports import Clock

_log = logging.getLogger(__name__)
_PAUSES = (1.0, 2.0, 4.0)
"""Seconds between the attempts of one fetch."""
_ATTRIBUTES = "* -text !ident !filter !working-tree-encoding\n"
"""Files are checked out byte for byte, whatever a repository's .gitattributes ask for."""


_NOT_THERE = re.compile("not our ref|couldn't find remote ref", re.IGNORECASE)


class _Fault(Enum):
    PASSING = re.compile(
        r"Could not resolve|Failed to connect|Couldn't connect|Connection (refused|reset|timed out)|timed out|"
        r"early EOF|RPC failed|unexpected disconnect|hung up|Empty reply|SSL_|gnutls|TLS|Operation too slow|"
        r"returned error: (429|5\d\d)|not our ref|couldn't find remote ref|Recv failure|HTTP/2|"
        r"invalid index-pack output|bad line length character|expected flush after",
        re.IGNORECASE,
    )
    FINAL = re.compile(
        r"Authentication failed|could not read Username|returned error: [34]\d\d|not found|"
        r"does not appear to be a git repository|Permission denied|No space left|Disk quota|"
        r"fsck error|error in (blob|tree|commit|tag)|transport '\w+' not allowed|redirect",
        re.IGNORECASE,
    )
    DAMAGE = re.compile("")

    @classmethod
    def of(cls, error: GitError) -> _Fault:
        """Classify an error; what neither network nor origin explains is damage of the mirror."""
        return next(fault for fault in cls if fault.value.search(error.stderr))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrors:
    """The mirrors under one directory, all of one origin."""

    root: Path
    trash: Path
    origin: str
    """`https://github.com` or the like, without a trailing slash."""
    git: Git
    clock: Clock
    sleep: Callable[[float], Awaitable[None]]
    fetch_timeout: float
    """Seconds for one attempt."""
    queues: dict[Path, asyncio.Lock]

    def path(self, repo: Repo) -> Path:
        """Return where the mirror of a repository is, or will be."""
        owner, name = repo_parts(repo)
        return self.root / owner / f"{name}.git"

    async def fetch(self, repo: Repo, token: str, refs: Sequence[str]) -> None:
        """Fetch every ref and commit id of `refs`; nothing if all are present already."""
        mirror = self.path(repo)
        specs = refspecs(refs)
        if await self._has_all(mirror, refs):
            self._mark_used(_lock_file(mirror))
            return
        queue = self.queues.setdefault(mirror, asyncio.Lock())
        async with queue, locked(_lock_file(mirror)) as lock_fd:
            self._mark_used(lock_fd)
            if await self._has_all(mirror, refs):
                return
            if _suspect_file(mirror).exists():
                await self.discard(mirror)
            await self._prepare(mirror)
            await self._fetch_or_rebuild(repo, mirror, token, specs, lock_fd)

    async def discard(self, mirror: Path) -> None:
        """Throw a mirror away; the next fetch clones it again."""
        await asyncio.to_thread(_discard, mirror, self.trash)

    def suspect(self, mirror: Path, error: GitError) -> None:
        """Remember that reading from a mirror failed, so that the next fetch builds it again."""
        if mirror.exists():
            _log.warning("The mirror %s looks damaged and will be cloned again: %s", mirror.name, error)
            _suspect_file(mirror).touch(mode=0o600)

    async def prune(self, older_than: float) -> list[Path]:
        """Remove mirrors that were not fetched since the epoch time, and tidy the others."""
        removed: list[Path] = []
        for mirror in sorted(self.root.glob("*/*.git")):
            fd = try_lock(_lock_file(mirror))
            if fd is None:
                continue
            try:
                if os.fstat(fd).st_mtime < older_than:
                    await self.discard(mirror)
                    removed.append(mirror)
                else:
                    await self._tidy(mirror, fd)
            finally:
                os.close(fd)
        return removed

    def _mark_used(self, lock: Path | int) -> None:
        now = self.clock.now().timestamp()
        os.utime(lock, (now, now))

    async def _tidy(self, mirror: Path, lock_fd: int) -> None:
        try:
            await self.git.run(
                f"tidying {mirror.name}",
                f"--git-dir={mirror}",
                "gc",
                "--auto",
                "--quiet",
                keep_fds=(lock_fd,),
                seconds=self.fetch_timeout,
            )
        except GitError as error:
            if is_damage(error):
                self.suspect(mirror, error)

    async def _has_all(self, mirror: Path, refs: Sequence[str]) -> bool:
        if not all(is_object_id(ref) for ref in refs) or _suspect_file(mirror).exists():
            return False
        asked = "".join(f"{ref}^{{commit}}\n" for ref in refs)
        try:
            result = await self.git.run(
                "looking for commits",
                f"--git-dir={mirror}",
                "cat-file",
                "--batch-check",
                stdin=asked.encode(),
            )
        except GitError:
            return False
        lines = result.stdout.decode().splitlines()
        return len(lines) == len(refs) and all(line.split(" ")[1:2] == ["commit"] for line in lines)

    async def _prepare(self, mirror: Path) -> None:
        """Create the mirror, or remove the files of a killed git process from it.

        No other process writes while we have the lock.
        """
        if await asyncio.to_thread(_remove_leftovers, mirror):
            return
        fresh = mirror.with_name(f"{mirror.name}.{uuid.uuid4().hex[:8]}.tmp")
        await self.git.run(
            f"creating {mirror.name}",
            "init",
            "--quiet",
            "--bare",
            "--template=",
            str(fresh),
            cwd=mirror.parent,
        )
        (fresh / "info").mkdir(exist_ok=True)
        (fresh / "info" / "attributes").write_text(_ATTRIBUTES)
        fresh.rename(mirror)

    async def _fetch_or_rebuild(
        self, repo: Repo, mirror: Path, token: str, specs: Sequence[str], lock_fd: int
    ) -> None:
        try:
            await self._fetch_with_retries(repo, mirror, token, specs, lock_fd)
        except GitError as error:
            if _NOT_THERE.search(error.stderr):
                raise CommitMissingError(str(error)) from error
            if _Fault.of(error) is not _Fault.DAMAGE:
                raise
            _log.warning("The mirror of %s is damaged and is cloned again: %s", repo.full_name, error)
            await self.discard(mirror)
            await self._prepare(mirror)
            await self._fetch_with_retries(repo, mirror, token, specs, lock_fd)

    async def _fetch_with_retries(
        self, repo: Repo, mirror: Path, token: str, specs: Sequence[str], lock_fd: int
    ) -> None:
        def log(state: RetryCallState) -> None:
            error = None if state.outcome is None else state.outcome.exception()
            _log.info("Fetching %s will be tried again: %s", repo.full_name, error)

        attempts = AsyncRetrying(
            stop=stop_after_attempt(1 + len(_PAUSES)),
            retry=retry_if_exception(_is_temporary),
            wait=wait_chain(*map(wait_fixed, _PAUSES)),
            before_sleep=log,
            sleep=self.sleep,
            reraise=True,
        )
        await attempts(self._fetch_once, repo, mirror, token, specs, lock_fd)

    async def _fetch_once(
        self, repo: Repo, mirror: Path, token: str, specs: Sequence[str], lock_fd: int
    ) -> None:
        await self.git.run(
            f"fetching {repo.full_name}",
            f"--git-dir={mirror}",
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--no-recurse-submodules",
            "--end-of-options",
            f"{self.origin}/{repo.owner}/{repo.name}.git",
            *specs,
            config=token_config(self.origin, token),
            keep_fds=(lock_fd,),
            seconds=self.fetch_timeout,
        )


def _is_temporary(error: BaseException) -> bool:
    return isinstance(error, GitError) and _Fault.of(error) is _Fault.PASSING


def _lock_file(mirror: Path) -> Path:
    return mirror.with_suffix(".lock")


def _suspect_file(mirror: Path) -> Path:
    return mirror.with_suffix(".suspect")


def _discard(mirror: Path, trash: Path) -> None:
    trash.mkdir(parents=True, exist_ok=True, mode=0o700)
    away = trash / uuid.uuid4().hex
    if mirror.exists():
        mirror.rename(away)
        shutil.rmtree(away, ignore_errors=True)
    _suspect_file(mirror).unlink(missing_ok=True)


def _remove_leftovers(mirror: Path) -> bool:
    """Remove the files of a killed git process; return whether there is a mirror."""
    if not mirror.exists():
        return False
    for pattern in ("*.lock", "refs/**/*.lock", "objects/pack/tmp_*"):
        for leftover in mirror.glob(pattern):
            leftover.unlink(missing_ok=True)
    return True

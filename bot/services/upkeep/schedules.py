"""Scheduled runs of the policies."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.core.errors import GatewrightError, GitHubUnavailableError, PolicyError
from bot.domain.core.model import Repo
from bot.ports import Clock, GitHub, Records
from bot.services.stacks.policies import LoadedPolicy, Policies

_LOG = logging.getLogger(__name__)
_MOST_REPOS = 1000
Duty = Callable[[Repo, LoadedPolicy], Awaitable[None]]
"""Queues the due runs of a repository, exactly once among all workers."""


_READ_AGAIN = timedelta(minutes=5)
"""How long a process uses a cached policy; a push updates only the process that handles it."""
_REPO_READ_AGAIN = timedelta(hours=1)
"""How long other facts of a repository are cached; queued runs read them again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """The policy of a repository when GitHub was asked; None if it was missing or invalid."""

    at: datetime
    repo_at: datetime
    repo: Repo
    loaded: LoadedPolicy | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduling:
    """Reads each repository's policy once for all duties, and not in every round."""

    records: Records
    github: GitHub
    policies: Policies
    clock: Clock
    duties: Sequence[Duty]
    serves: Callable[[str], bool]
    """Whether a repository is listed."""
    _read: dict[str, _Read] = field(default_factory=dict, init=False, repr=False)

    async def queue_due(self) -> None:
        """Queue the due runs of all policies; a duty of every worker."""
        async with self.records.read() as reader:
            repos = await reader.active_repos(limit=_MOST_REPOS)
        limited: set[int] = set()
        unread: dict[str, GitHubUnavailableError] = {}
        for one in repos:
            # GitHub limits installations, not repositories: another question would only meet the same limit.
            if not self.serves(one.full_name) or one.installation_id in limited:
                continue
            try:
                await self._look_at(one.full_name)
            except GitHubUnavailableError as error:
                unread[one.full_name] = error
                if error.retry_after is not None:
                    limited.add(one.installation_id)
        if unread:
            name, said = next(iter(unread.items()))
            _LOG.warning("GitHub does not say now what is due, of %s among others: %s", name, said)

    async def _look_at(self, name: str) -> None:
        found = await self._found(name)
        if found is None or found.loaded is None:
            return
        loaded = self.policies.remembered(name) or found.loaded
        for duty in self.duties:
            try:
                await duty(found.repo, loaded)
            except GitHubUnavailableError:
                raise
            except GatewrightError:
                _LOG.warning("what is due of %s could not be queued", name, exc_info=True)

    async def _found(self, name: str) -> _Read | None:
        known, now = self._read.get(name), self.clock.now()
        if known is not None and now - known.at < _READ_AGAIN:
            return known
        try:
            read = await self._read_now(name, known)
        except GitHubUnavailableError:
            raise
        except GatewrightError:
            _LOG.warning("what is due of %s could not be found out", name, exc_info=True)
            # Its default branch may be another one by now.
            self._read.pop(name, None)
            return None
        self._read[name] = read
        return read

    async def _read_now(self, name: str, known: _Read | None) -> _Read:
        now, loaded = self.clock.now(), None
        if known is not None and now - known.repo_at < _REPO_READ_AGAIN:
            repo, repo_at = known.repo, known.repo_at
        else:
            repo, repo_at = await self.github.repository(name), now
        try:
            loaded = await self.policies.load(repo)
        except PolicyError as error:
            _LOG.info("nothing is due of %s: %s", name, error)
        return _Read(at=now, repo_at=repo_at, repo=repo, loaded=loaded)
